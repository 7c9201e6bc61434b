//! Which records a POSIX signal reaches, and the dispositions that were there before.
//!
//! The handler walks cells that never move and never go away, and takes no lock. A cell holds a record's handle, so one
//! that the handler read just before it was removed is refused by the record itself.
const std = @import("std");
const assert = std.debug.assert;
const platform = @import("platform.zig");
const records = @import("record.zig");
const Lock = @import("lock.zig").Lock;
const Status = @import("status.zig").Status;

pub const option_chain = 1;
pub const option_hysteresis = 2;

/// The first few cells stand in the hook itself: most signals have one reader.
fn Cells(comptime size: usize) type {
    return extern struct {
        cells: [size]std.atomic.Value(u64) = @splat(.init(0)),
        more: std.atomic.Value(?*MoreCells) = .init(null),
    };
}
const MoreCells = Cells(511);

const Hook = struct {
    first: Cells(6) = .{},
    count: u32 = 0,
    chained: std.atomic.Value(u32) = .init(0),
    with_hysteresis: u32 = 0,
    /// All readers want it: for one that does not, a signal ignored by the kernel would be a signal lost.
    hysteresis: std.atomic.Value(bool) = .init(false),
    /// Handlers about to make the kernel ignore the signal.
    ignoring: std.atomic.Value(u32) = .init(0),
    old: platform.Disposition = std.mem.zeroes(platform.Disposition),
    /// Its handler; one that was installed for a single signal is gone after that.
    old_handler: std.atomic.Value(usize) = .init(0),
};

var hooks: [platform.signal_max + 1]Hook = @splat(.{});
var lock: Lock = .{};

fn handler(signal: i32, info: ?*const anyopaque, context: ?*anyopaque) callconv(.c) void {
    const hook = &hooks[@intCast(signal)];
    // Ignore first, then signal: every ignoring is followed by a pending record, whose handling rearms. The other way
    // round, the handling could come in between and leave the signal ignored for good.
    if (hook.hysteresis.load(.seq_cst)) {
        _ = hook.ignoring.fetchAdd(1, .seq_cst);
        if (hook.hysteresis.load(.seq_cst)) _ = platform.setDisposition(@intCast(signal), &platform.ignored());
        _ = hook.ignoring.fetchSub(1, .seq_cst);
    }
    signalAll(&hook.first.cells);
    var more = hook.first.more.load(.acquire);
    while (more) |cells| : (more = cells.more.load(.acquire)) signalAll(&cells.cells);
    if (hook.chained.load(.seq_cst) != 0) {
        const old_handler = if (platform.isOneShot(&hook.old)) hook.old_handler.swap(0, .acq_rel) else hook.old_handler.load(.acquire);
        platform.chain(old_handler, signal, info, context);
    }
}

fn signalAll(cells: []std.atomic.Value(u64)) void {
    for (cells) |*cell| {
        const arg = cell.load(.seq_cst);
        if (arg != 0) records.signal(arg, 1);
    }
}

/// ok when an Interrupt may hook `signal`.
pub fn check(signal: u32) callconv(.c) i32 {
    if (signal == 0 or signal > platform.signal_max) return Status.unknown_signal.code();
    if (platform.isReserved(signal)) return Status.reserved_signal.code();
    return 0;
}

pub fn add(signal: u32, arg: u64, options: u32) i32 {
    const status = check(signal);
    if (status < 0) return status;
    lock.acquire();
    defer lock.release();
    const hook = &hooks[signal];
    const cell = freeCell(hook) orelse return Status.full.code();
    // The cell first: a signal that comes as soon as the handler is in must find its reader.
    cell.store(arg, .seq_cst);
    hook.count += 1;
    count(hook, options, .up);
    const installed = install(signal);
    if (installed < 0) {
        cell.store(0, .seq_cst);
        hook.count -= 1;
        count(hook, options, .down);
    }
    return installed;
}

pub fn remove(signal: u32, arg: u64, options: u32) void {
    lock.acquire();
    defer lock.release();
    const hook = &hooks[signal];
    const had_hysteresis = hook.hysteresis.load(.seq_cst);
    hook.count -= 1;
    count(hook, options, .down);
    findCell(hook, arg).?.store(0, .seq_cst);
    if (hook.count == 0) {
        restore(signal, had_hysteresis);
    } else if (had_hysteresis) {
        // This one may have been the one to rearm it.
        rearmLocked(signal);
    }
}

pub fn change(signal: u32, old_options: u32, new_options: u32) void {
    lock.acquire();
    defer lock.release();
    const hook = &hooks[signal];
    const had_hysteresis = hook.hysteresis.load(.seq_cst);
    count(hook, old_options, .down);
    count(hook, new_options, .up);
    if (had_hysteresis and !hook.hysteresis.load(.seq_cst)) rearmLocked(signal);
}

pub fn rearm(signal: u32) void {
    lock.acquire();
    defer lock.release();
    rearmLocked(signal);
}

fn count(hook: *Hook, options: u32, direction: enum { up, down }) void {
    const step: u32 = if (direction == .up) 1 else std.math.maxInt(u32);
    if (options & option_chain != 0) _ = hook.chained.fetchAdd(step, .seq_cst);
    if (options & option_hysteresis != 0) hook.with_hysteresis +%= step;
    hook.hysteresis.store(hook.count != 0 and hook.with_hysteresis >= hook.count, .seq_cst);
    if (!hook.hysteresis.load(.seq_cst)) {
        // Whoever saw it on may still be about to ignore the signal; newcomers see it off, so this ends.
        while (hook.ignoring.load(.seq_cst) != 0) platform.yield();
    }
}

const State = enum { ours, ignored, other };

fn read(signal: u32, out: *platform.Disposition) State {
    const status = platform.disposition(signal, out);
    assert(status == 0);
    const current = @intFromPtr(out.handler);
    if (current == @intFromPtr(&handler)) return .ours;
    return if (current == @intFromPtr(platform.ignored().handler)) .ignored else .other;
}

/// Reads the live disposition rather than believing a table: the runtime, or anybody, may have replaced ours.
fn install(signal: u32) i32 {
    const hook = &hooks[signal];
    var current: platform.Disposition = undefined;
    const state = read(signal, &current);
    if (state == .ours) return 0;
    // Hysteresis made the kernel ignore it, which is ours too.
    const is_ours_ignored = state == .ignored and hook.count > 1 and hook.with_hysteresis > 0;
    if (!is_ours_ignored) {
        hook.old = current;
        hook.old_handler.store(@intFromPtr(current.handler), .release);
    }
    return platform.setDisposition(signal, &platform.ours(&handler));
}

/// Only if ours is still there: somebody who came after us keeps theirs.
fn restore(signal: u32, had_hysteresis: bool) void {
    const hook = &hooks[signal];
    var current: platform.Disposition = undefined;
    const state = read(signal, &current);
    if (state == .ours or (state == .ignored and had_hysteresis)) {
        hook.old.handler = @ptrFromInt(hook.old_handler.load(.acquire));
        const status = platform.setDisposition(signal, &hook.old);
        assert(status == 0);
    }
}

fn rearmLocked(signal: u32) void {
    if (hooks[signal].count == 0) return;
    var current: platform.Disposition = undefined;
    if (read(signal, &current) == .ignored) {
        const status = platform.setDisposition(signal, &platform.ours(&handler));
        assert(status == 0);
    }
}

fn findCell(hook: *Hook, arg: u64) ?*std.atomic.Value(u64) {
    for (&hook.first.cells) |*cell| if (cell.load(.monotonic) == arg) return cell;
    var more = hook.first.more.load(.acquire);
    while (more) |cells| : (more = cells.more.load(.acquire)) {
        for (&cells.cells) |*cell| if (cell.load(.monotonic) == arg) return cell;
    }
    return null;
}

fn freeCell(hook: *Hook) ?*std.atomic.Value(u64) {
    if (findCell(hook, 0)) |cell| return cell;
    const memory = platform.map(@sizeOf(MoreCells)) orelse return null;
    const cells: *MoreCells = @ptrCast(@alignCast(memory));
    // In front of the others: a handler on its way sees either list whole.
    cells.more.store(hook.first.more.load(.monotonic), .monotonic);
    hook.first.more.store(cells, .release);
    return &cells.cells[0];
}
