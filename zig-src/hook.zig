//! Which records a POSIX signal reaches, and the dispositions that were there before.
//!
//! The handler walks cells that never move and never go away, and takes no lock. A cell holds a
//! record's token, so one that the handler read just before it was removed is refused by the
//! record itself.
const std = @import("std");
const assert = std.debug.assert;
const agents = @import("agent.zig");
const platform = @import("platform.zig");
const records = @import("record.zig");
const Lock = @import("lock.zig").Lock;
const Status = @import("status.zig").Status;

pub const option_chain = 1;
pub const option_hysteresis = 2;
/// A listener of the runtime was registered first: what stands beneath ours is its handler, and
/// always gets the signal too.
pub const option_listened = 4;

/// In a cell, beside the token, which has no such bit: this reader chains. Nowhere else: whoever
/// finds the reader finds that it chains.
const chains: u64 = 1 << 63;

/// Beside the address of an old handler, in bits that no address has. One word, for it may be
/// replaced while a handler reads it.
const old_bits = struct {
    /// It was installed for a single signal, and is gone after that.
    const one_shot: u64 = 1 << 63;
    /// It may itself call ours, since it was installed over it at some time, as signal registries
    /// do.
    const calls_ours: u64 = 1 << 62;
    /// It gets every signal, whether a reader chains or not.
    const always: u64 = 1 << 61;
    const all = one_shot | calls_ours | always;
};

/// The first few cells stand in the hook itself: most signals have one reader.
fn Cells(comptime size: usize) type {
    return extern struct {
        cells: [size]std.atomic.Value(u64) = @splat(.init(0)),
        more: std.atomic.Value(?*MoreCells) = .init(null),
    };
}
const MoreCells = Cells(511);

/// Threads that one signal may find at the same time between the kernel's choice and our first
/// look.
const late_max = 16;

const Hook = struct {
    first: Cells(6) = .{},
    count: u32 = 0,
    /// How often a reader came or went.
    changes: std.atomic.Value(u32) = .init(0),
    /// How many threads may still be late for the last reader. A limit, and none where somebody
    /// else's handler may call ours: the signal that is sent again would come back.
    late: std.atomic.Value(i32) = .init(0),
    is_overlaid: bool = false,
    with_hysteresis: u32 = 0,
    /// All readers want it: for one that does not, a signal ignored by the kernel would be a signal
    /// lost.
    hysteresis: std.atomic.Value(bool) = .init(false),
    /// The kernel ignores it, and that is our doing.
    ignored: std.atomic.Value(bool) = .init(false),
    /// Handlers about to make the kernel ignore the signal.
    ignoring: std.atomic.Value(u32) = .init(0),
    old: platform.Disposition = std.mem.zeroes(platform.Disposition),
    /// What a handler on its way calls for a reader that chains.
    old_handler: std.atomic.Value(u64) = .init(0),
    /// The runtime's handler, which gets every signal; 0 for none.
    runtime_handler: std.atomic.Value(u64) = .init(0),
    /// How often ours has called it.
    passed_on: std.atomic.Value(u32) = .init(0),
    listeners: Listeners = .{},
};

/// The agents that have registered a listener of the runtime, so that its handler stands beneath
/// ours and stays there.
const Listeners = struct {
    count: u32 = 0,
    /// What was there before the first of them.
    before: platform.Disposition = std.mem.zeroes(platform.Disposition),
    /// It could not be put back: it is when the next Interrupt goes.
    is_owed: bool = false,
    /// The handler when the last of them was about to register.
    handler_then: usize = 0,
    /// The one whose listener says which of the calls were for signals that ours has passed on.
    counter: u32 = agents.nobody,
    /// How many these were. The rest is still on its way to the listener, or came when there was
    /// none.
    calls: u32 = 0,
    /// How many ours had passed on when it was installed. null: the next call may be for one of
    /// those.
    passed_then: ?u32 = null,
};

pub var hooks: [platform.signal_max + 1]Hook = @splat(.{});
var lock: Lock = .{};

/// Threads that are in an old handler that may call ours, with the signal. It may do so in the
/// middle of it, so this is asked last: rather is a reader told twice than a signal of its own
/// lost. A thread that finds no room here goes without.
var chaining: [64]std.atomic.Value(u64) = @splat(.init(0));

fn handler(signal: i32, info: ?*const anyopaque, context: ?*anyopaque) callconv(.c) void {
    const hook = &hooks[@intCast(signal)];
    if (hook.hysteresis.load(.seq_cst)) ignore(@intCast(signal), hook);
    const heard_by = deliver(@intCast(signal), hook, info) orelse return;
    var runtime = hook.runtime_handler.load(.acquire);
    if (runtime != 0 and platform.processId() != listening_process) runtime = 0;
    var old = hook.old_handler.load(.acquire);
    if (heard_by & chains == 0 and old & old_bits.always == 0) old = 0;
    // The usual one may take as many threads as it likes, be interrupted by its own signal, and
    // never return.
    const entry = if ((runtime | old) & old_bits.calls_ours == 0) null else enterChaining(signal) orelse return;
    if (runtime != 0) {
        // First: the listener that it calls may run at once, on another thread.
        _ = hook.passed_on.fetchAdd(1, .seq_cst);
        platform.chain(runtime & ~old_bits.all, signal, info, context);
    }
    platform.chain(takeOldHandler(hook, old), signal, info, context);
    if (entry) |it| it.store(0, .monotonic);
}

/// null: this thread is there already, or there is no room.
fn enterChaining(signal: i32) ?*std.atomic.Value(u64) {
    const key = keyOf(signal);
    for (&chaining) |*entry| if (entry.load(.monotonic) == key) return null;
    for (&chaining) |*entry| if (entry.cmpxchgStrong(0, key, .monotonic, .monotonic) == null) return entry;
    return null;
}

/// A one-shot handler goes with it, to one of those who take it.
fn takeOldHandler(hook: *Hook, old: u64) usize {
    const taken = old & old_bits.one_shot == 0 or hook.old_handler.cmpxchgStrong(old, 0, .acq_rel, .monotonic) == null;
    return if (taken) old & ~old_bits.all else 0;
}

fn handlerOf(hook: *const Hook, old: *const platform.Disposition) u64 {
    var word: u64 = @intFromPtr(old.handler);
    // What somebody else put there may be no address: SIG_ERR.
    if (word & old_bits.all != 0) return 0;
    if (platform.isOneShot(old)) word |= old_bits.one_shot;
    if (hook.is_overlaid) word |= old_bits.calls_ours;
    return word;
}

fn keyOf(signal: i32) u64 {
    return @as(u64, @intCast(platform.threadId())) << 32 | @as(u32, @intCast(signal));
}

/// Ignore first, then signal: every ignoring is followed by a pending record, whose handling
/// rearms. The other way round, the handling could come in between and leave the signal ignored for
/// good.
fn ignore(signal: u32, hook: *Hook) void {
    _ = hook.ignoring.fetchAdd(1, .seq_cst);
    defer _ = hook.ignoring.fetchSub(1, .seq_cst);
    if (!hook.hysteresis.load(.seq_cst)) return;
    var displaced: platform.Disposition = undefined;
    // Refused: it is delivered each time.
    if (platform.swapDisposition(signal, &platform.ignored(), &displaced) < 0) return;
    switch (stateOf(&displaced)) {
        .ours => hook.ignored.store(true, .seq_cst),
        .ignored => {},
        // Called by a handler that was installed over ours: that one stays.
        .other => if (platform.setDisposition(signal, &displaced) < 0) hook.ignored.store(true, .seq_cst),
    }
}

/// To all readers; the answer is the cells of those who have it, or-ed. No reader is left: this
/// thread is late, it was interrupted before the last one went. Whoever has the signal now gets it,
/// with its siginfo, once this thread does not mask it any more; the answer is null then.
fn deliver(signal: u32, hook: *Hook, info: ?*const anyopaque) ?u64 {
    while (true) {
        const changes = hook.changes.load(.seq_cst);
        const heard_by = signalReaders(hook);
        if (heard_by != 0) return heard_by;
        var current: platform.Disposition = undefined;
        const status = platform.disposition(signal, &current);
        // Read last: a reader may have come behind our back, and another gone before we got to it.
        if (hook.changes.load(.seq_cst) != changes) continue;
        // Looked at first: it must not wrap where this happens for ever.
        if (status == 0 and stateOf(&current) != .ours and hook.late.load(.seq_cst) > 0 and hook.late.fetchSub(1, .seq_cst) > 0) {
            platform.sendAgain(signal, info);
            return null;
        }
        return 0;
    }
}

fn signalReaders(hook: *Hook) u64 {
    var heard_by = signalAll(&hook.first.cells);
    var more = hook.first.more.load(.acquire);
    while (more) |cells| : (more = cells.more.load(.acquire)) heard_by |= signalAll(&cells.cells);
    return heard_by;
}

fn signalAll(cells: []std.atomic.Value(u64)) u64 {
    var heard_by: u64 = 0;
    for (cells) |*cell| {
        const reader = cell.load(.seq_cst);
        if (reader != 0 and records.send(@bitCast(reader & ~chains), 1) == .sent) heard_by |= reader;
    }
    return heard_by;
}

fn cellOf(arg: u64, options: u32) u64 {
    assert(arg & chains == 0);
    return if (options & option_chain != 0) arg | chains else arg;
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
    // The cell first: a signal that comes as soon as the handler is in must find its reader, and
    // one that finds neither in time that something has changed.
    cell.store(cellOf(arg, options), .seq_cst);
    _ = hook.changes.fetchAdd(1, .seq_cst);
    stopIgnoring(hook);
    count(hook, options, .up);
    const installed = install(signal, options);
    if (installed < 0) {
        cell.store(0, .seq_cst);
        count(hook, options, .down);
    } else {
        hook.count += 1;
    }
    resumeIgnoring(hook);
    return installed;
}

pub fn remove(signal: u32, arg: u64, options: u32) void {
    lock.acquire();
    defer lock.release();
    const hook = &hooks[signal];
    _ = hook.changes.fetchAdd(1, .seq_cst);
    hook.count -= 1;
    stopIgnoring(hook);
    // The old disposition first, then the reader goes: a signal that comes meanwhile has one of the
    // two. If it is ignored just now, every other reader is pending too, and rearms it.
    if (hook.count == 0) restore(signal);
    findCell(hook, arg).?.store(0, .seq_cst);
    count(hook, options, .down);
    resumeIgnoring(hook);
}

pub fn change(signal: u32, arg: u64, old_options: u32, new_options: u32) i32 {
    lock.acquire();
    defer lock.release();
    const hook = &hooks[signal];
    stopIgnoring(hook);
    findCell(hook, arg).?.store(cellOf(arg, new_options), .seq_cst);
    count(hook, new_options, .up);
    count(hook, old_options, .down);
    const status = rearmLocked(signal);
    resumeIgnoring(hook);
    return status;
}

pub fn rearm(signal: u32) i32 {
    lock.acquire();
    defer lock.release();
    return rearmLocked(signal);
}

/// For an agent that ends with these listeners, a bit for each signal.
pub fn unlistenedAll(agent: u32, signals: u64) void {
    var rest = signals;
    while (rest != 0) : (rest &= rest - 1) _ = unlistened(agent, @ctz(rest) + 1, 1);
}

fn count(hook: *Hook, options: u32, direction: enum { up, down }) void {
    if (options & option_hysteresis == 0) return;
    if (direction == .up) hook.with_hysteresis += 1 else hook.with_hysteresis -= 1;
}

/// While readers come and go no handler changes the disposition: one that had just made the kernel
/// ignore the signal, and not yet said so, would be taken for somebody else, and its SIG_IGN for
/// what was there before us.
fn stopIgnoring(hook: *Hook) void {
    hook.hysteresis.store(false, .seq_cst);
    // Whoever saw it on may still be about to ignore the signal; newcomers see it off, so this
    // ends.
    while (hook.ignoring.load(.seq_cst) != 0) platform.yield();
}

fn resumeIgnoring(hook: *Hook) void {
    hook.hysteresis.store(hook.count != 0 and hook.with_hysteresis >= hook.count, .seq_cst);
}

const State = enum { ours, ignored, other };

fn stateOf(current: *const platform.Disposition) State {
    const address = @intFromPtr(current.handler);
    if (address == @intFromPtr(&handler)) return .ours;
    return if (address == @intFromPtr(platform.ignored().handler)) .ignored else .other;
}

/// Whether what is there now is our doing.
fn isOurs(hook: *Hook, current: *const platform.Disposition) bool {
    return switch (stateOf(current)) {
        .ours => true,
        .ignored => hook.ignored.load(.seq_cst),
        .other => false,
    };
}

/// Reads the live disposition rather than believing a table: the runtime, or anybody, may have
/// replaced ours.
fn install(signal: u32, options: u32) i32 {
    const hook = &hooks[signal];
    var current: platform.Disposition = undefined;
    const status = platform.disposition(signal, &current);
    if (status < 0) return status;
    // It stayed there without a reader: others may have been installed over it unseen.
    if (hook.count == 0 and stateOf(&current) == .ours) overlaid(hook);
    if (hook.count == 0) {
        hook.runtime_handler.store(0, .release);
        const passed = hook.passed_on.load(.seq_cst);
        hook.listeners.passed_then = if (passed == hook.listeners.calls) passed else null;
    }
    // Before ours is in: a signal that comes at once must find what to chain to.
    if (!isOurs(hook, &current)) keep(hook, &current, .{ .may_be_running = true });
    if (options & option_listened != 0) passOn(hook);
    var displaced: platform.Disposition = undefined;
    const installed = putIn(signal, &displaced);
    if (installed < 0) return installed;
    // Another thread may have installed its own in between.
    if (!isOurs(hook, &displaced)) keep(hook, &displaced, .{});
    hook.ignored.store(false, .seq_cst);
    return 0;
}

fn putIn(signal: u32, displaced: *platform.Disposition) i32 {
    return platform.swapDisposition(signal, &platform.ours(&handler), displaced);
}

fn keep(hook: *Hook, old: *const platform.Disposition, options: struct { may_be_running: bool = false }) void {
    if (hook.count != 0) overlaid(hook);
    hook.old = old.*;
    // Not one-shot and running: the kernel may be calling it just now, for the only time.
    const handler_word = if (options.may_be_running and platform.isOneShot(old)) 0 else handlerOf(hook, old);
    hook.old_handler.store(handler_word, .release);
    if (hook.runtime_handler.load(.monotonic) != 0) passOn(hook);
}

/// From here on the runtime's handler gets every signal: the one that stood beneath ours first. So
/// does what was installed over ours since: another version of this library may be that, and must
/// hear too.
fn passOn(hook: *Hook) void {
    const old = handlerOf(hook, &hook.old);
    const known = hook.runtime_handler.load(.monotonic) & ~old_bits.all;
    const runtime = if (known != 0) known else old & ~old_bits.all;
    // SIG_DFL and SIG_IGN: the runtime has no handler for this signal. Node's that exits is
    // one-shot, those for listeners never.
    if (runtime <= 1 or (known == 0 and platform.isOneShot(&hook.old))) return;
    // A Worker's Interrupt whose own thread can have no listener: others may have one.
    if (hook.listeners.count == 0 and !platform.isHosts(runtime)) return;
    hook.runtime_handler.store(runtime | (old & old_bits.calls_ours), .release);
    hook.old_handler.store(if (old & ~old_bits.all == runtime) displacedByRuntime(hook, runtime) else old | old_bits.always, .release);
}

/// What a reader that chains wants, which the runtime has displaced: unless that is its own, such
/// as Node's handler that exits.
fn displacedByRuntime(hook: *Hook, runtime: u64) u64 {
    const before = handlerOf(hook, &hook.listeners.before);
    const address = before & ~old_bits.all;
    return if (address <= 1 or address == runtime or platform.isHosts(address)) 0 else before;
}

/// In the child of a fork(2) no listener runs: the runtime's handler would tell those of the
/// parent, by a pipe that both have.
var listening_process: i32 = 0;

/// An agent is about to register its listener with the runtime, for the first time or again. 1:
/// until now the signal is ignored.
pub fn listening(agent: u32, signal: u32) callconv(.c) i32 {
    lock.acquire();
    defer lock.release();
    const hook = &hooks[signal];
    var current: platform.Disposition = undefined;
    const status = platform.disposition(signal, &current);
    if (status < 0) return status;
    const listeners = &hook.listeners;
    listening_process = platform.processId();
    listeners.handler_then = @intFromPtr(current.handler);
    const before = if (isOurs(hook, &current)) &hook.old else &current;
    const keeps = listeners.is_owed and (before.handler == null or before == &hook.old);
    if (listeners.count == 0 and !keeps) listeners.before = before.*;
    if (listeners.counter == agents.nobody) listeners.counter = agent;
    // From here on: of two that register at the same time, the second would find the runtime's
    // handler.
    if (agents.addListener(agent, signal)) listeners.count += 1;
    return @intFromBool(stateOf(before) == .ignored);
}

/// It has registered it. Ours goes on top again, where the runtime has installed its handler over
/// it just now.
pub fn listened(signal: u32) callconv(.c) i32 {
    lock.acquire();
    defer lock.release();
    const hook = &hooks[signal];
    if (hook.count == 0) return 0;
    const status = takeBack(signal, hook.listeners.handler_then);
    if (status < 0) return status;
    passOn(hook);
    return 0;
}

/// Puts ours on top of what the runtime has put there: any handler but `before`, or one that is its
/// own. Without `before` only one that is its own. 1: it did.
fn takeBack(signal: u32, before: ?usize) i32 {
    const hook = &hooks[signal];
    stopIgnoring(hook);
    defer resumeIgnoring(hook);
    var current: platform.Disposition = undefined;
    const status = platform.disposition(signal, &current);
    if (status < 0 or isOurs(hook, &current)) return @min(status, 0);
    const address = @intFromPtr(current.handler);
    const others = before orelse address;
    // What others have installed stays.
    if (address == 1 or (address == others and address != 0 and !platform.isHosts(address))) return 0;
    // What the runtime puts there when it takes its handler away is none to call.
    if (address != others and address != @intFromPtr(hook.old.handler)) keep(hook, &current, .{});
    const put = putIn(signal, &current);
    return if (put < 0) put else 1;
}

/// The runtime has called the agent's listener. If ours has passed nothing on since it was
/// installed, the signal came before that, when the listener was in already: the Interrupts hear of
/// it now. `coalesces`: one call may stand for many signals.
pub fn listenerCalled(agent: u32, signal: u32, coalesces: u32) callconv(.c) void {
    lock.acquire();
    defer lock.release();
    const hook = &hooks[signal];
    const listeners = &hook.listeners;
    if (listeners.counter != agent) return;
    // The runtime has put its handler over ours, and nothing told.
    if (hook.count != 0 and takeBack(signal, null) > 0) {
        _ = signalReaders(hook);
        return;
    }
    const passed = hook.passed_on.load(.seq_cst);
    defer listeners.passed_then = null;
    if (listeners.passed_then == passed) {
        _ = signalReaders(hook);
    } else if (coalesces != 0) {
        listeners.calls = passed;
    } else {
        listeners.calls +%= 1;
    }
}

pub fn passedOn(signal: u32) callconv(.c) u32 {
    return hooks[signal].passed_on.load(.seq_cst);
}

/// Its listener is gone. `put_back`: with the last one the runtime has put SIG_DFL there instead of
/// what was before. 2: and it calls no later listener for a signal that came until now.
pub fn unlistened(agent: u32, signal: u32, put_back: u32) callconv(.c) i32 {
    lock.acquire();
    defer lock.release();
    const hook = &hooks[signal];
    const listeners = &hook.listeners;
    if (!agents.removeListener(agent, signal)) return 0;
    listeners.count -= 1;
    if (listeners.counter == agent) listeners.counter = agents.nobody;
    if (put_back == 0 or listeners.count != 0 or hook.count != 0) return 0;
    const status = putBack(hook, signal, put_back);
    listeners.is_owed = status != 0;
    return @min(status, 0);
}

/// 1: the kernel has refused to take ours away.
fn putBack(hook: *Hook, signal: u32, put_back: u32) i32 {
    const listeners = &hook.listeners;
    var current: platform.Disposition = undefined;
    const status = platform.disposition(signal, &current);
    // Bun changes the flags of a handler that it finds there.
    const stays = current.handler != null and current.handler != listeners.before.handler;
    if (status < 0 or stays) return if (status == 0 and stateOf(&current) == .ours) 1 else status;
    if (put_back == 2) listeners.calls = hook.passed_on.load(.seq_cst);
    // The runtime's handler was for a listener that is gone as well: nobody would hear the signal,
    // nor would it do anything.
    const runtime = hook.runtime_handler.load(.monotonic);
    if (runtime != 0 and @intFromPtr(listeners.before.handler) == runtime & ~old_bits.all) return 0;
    const put = platform.swapDisposition(signal, &listeners.before, &current);
    // A listener came on another thread in between.
    const came = current.handler != null and current.handler != listeners.before.handler;
    return if (put == 0 and came) platform.setDisposition(signal, &current) else put;
}

/// Somebody has installed his over ours, and may call it for ever.
fn overlaid(hook: *Hook) void {
    hook.is_overlaid = true;
    hook.late.store(0, .seq_cst);
}

/// Only if ours is still there: somebody who came after us keeps theirs. If the kernel refuses,
/// ours stays, signals nobody, and goes with the next Interrupt on that signal.
fn restore(signal: u32) void {
    const hook = &hooks[signal];
    var current: platform.Disposition = undefined;
    // Where ours stays for the moment, others may be installed over it unseen.
    if (platform.disposition(signal, &current) < 0) return overlaid(hook);
    if (isOurs(hook, &current)) {
        // Once it is back, the kernel calls it: a handler on its way must not call a one-shot
        // handler too.
        if (platform.isOneShot(&hook.old)) hook.old.handler = @ptrFromInt(takeOldHandler(hook, hook.old_handler.load(.acquire)));
        hook.late.store(if (hook.is_overlaid) 0 else late_max, .seq_cst);
        if (platform.swapDisposition(signal, &hook.old, &current) < 0) {
            hook.old_handler.store(handlerOf(hook, &hook.old), .release);
            return overlaid(hook);
        }
        // Another thread has installed its own in between.
        if (!isOurs(hook, &current)) {
            overlaid(hook);
            _ = platform.setDisposition(signal, &current);
        }
    } else {
        overlaid(hook);
        // The runtime may take it away with its last listener.
        hook.listeners.before = current;
    }
    hook.ignored.store(false, .seq_cst);
}

fn rearmLocked(signal: u32) i32 {
    const hook = &hooks[signal];
    if (hook.count == 0 or !hook.ignored.swap(false, .seq_cst)) return 0;
    var displaced: platform.Disposition = undefined;
    const status = putIn(signal, &displaced);
    if (status < 0) {
        hook.ignored.store(true, .seq_cst);
        return status;
    }
    // Somebody has installed theirs since. If it cannot be put back now, it is when the last
    // Interrupt goes.
    const back = if (stateOf(&displaced) == .other) platform.setDisposition(signal, &displaced) else 0;
    if (back < 0) keep(hook, &displaced, .{});
    return back;
}

fn findCell(hook: *Hook, arg: u64) ?*std.atomic.Value(u64) {
    for (&hook.first.cells) |*cell| if (cell.load(.monotonic) & ~chains == arg) return cell;
    var more = hook.first.more.load(.acquire);
    while (more) |cells| : (more = cells.more.load(.acquire)) {
        for (&cells.cells) |*cell| if (cell.load(.monotonic) & ~chains == arg) return cell;
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

test "readers that come and go while handlers make the kernel ignore the signal keep the disposition that was there before" {
    const signal = @backingInt(std.os.linux.SIG.USR2);
    const Flood = struct {
        var over: std.atomic.Value(bool) = .init(false);

        fn run() void {
            while (!over.load(.monotonic)) {
                raiseHere(signal);
                _ = rearm(signal);
            }
        }
    };
    try std.testing.expectEqual(0, add(signal, 1, option_hysteresis));
    const thread = try std.Thread.spawn(.{}, Flood.run, .{});
    for (0..20_000) |_| {
        try std.testing.expectEqual(0, add(signal, 2, option_hysteresis));
        remove(signal, 2, option_hysteresis);
    }
    Flood.over.store(true, .monotonic);
    thread.join();
    try std.testing.expect(!hooks[signal].ignored.load(.seq_cst));
    try std.testing.expectEqual(0, hooks[signal].old_handler.load(.seq_cst));
    remove(signal, 1, option_hysteresis);
    var current: platform.Disposition = undefined;
    try std.testing.expectEqual(0, platform.disposition(signal, &current));
    try std.testing.expectEqual(.other, stateOf(&current));
}

test "while a handler is about to make the kernel ignore the signal, no reader comes" {
    const signal = @backingInt(std.os.linux.SIG.USR2);
    const hook = &hooks[signal];
    const Comer = struct {
        var came: std.atomic.Value(bool) = .init(false);

        fn run() void {
            assert(add(signal, 2, option_hysteresis) == 0);
            came.store(true, .seq_cst);
        }
    };
    try std.testing.expectEqual(0, add(signal, 1, option_hysteresis));
    _ = hook.ignoring.fetchAdd(1, .seq_cst);
    const comer = try std.Thread.spawn(.{}, Comer.run, .{});
    while (hook.hysteresis.load(.seq_cst) and !Comer.came.load(.seq_cst)) platform.yield();
    // By the last of these it would have come.
    for (0..1000) |_| platform.yield();
    const waits = !Comer.came.load(.seq_cst);
    _ = hook.ignoring.fetchSub(1, .seq_cst);
    comer.join();
    try std.testing.expect(waits);
    try std.testing.expectEqual(2, hook.count);
    for ([_]u64{ 1, 2 }) |arg| remove(signal, arg, option_hysteresis);
}

/// Somebody else's handlers, for the tests.
const Foreign = struct {
    var calls: u32 = 0;
    var calls_ours = false;
    /// si_code of the last call: how it was sent.
    var code: i32 = -1;

    fn entry(signal: i32, info: ?*const anyopaque, context: ?*anyopaque) callconv(.c) void {
        calls += 1;
        code = @as(*const std.os.linux.siginfo_t, @ptrCast(@alignCast(info.?))).code;
        if (calls_ours) handler(signal, info, context);
    }

    fn install(signal: u32) !void {
        var disposition = platform.ours(&entry);
        try std.testing.expectEqual(0, platform.setDisposition(signal, &disposition));
    }
};

/// The kernel has chosen our handler, and the thread stands still before its first instruction
/// while the reader goes.
fn lateHandler(signal: i32, info: ?*const anyopaque, context: ?*anyopaque) callconv(.c) void {
    assert(platform.setDisposition(@intCast(signal), &platform.ours(&handler)) == 0);
    remove(@intCast(signal), 1, 0);
    return @call(.always_tail, handler, .{ signal, info, context });
}

fn raise(signal: u32) void {
    _ = std.os.linux.kill(std.os.linux.getpid(), @fromBackingInt(signal));
}

fn raiseHere(signal: u32) void {
    _ = std.os.linux.tgkill(std.os.linux.getpid(), std.os.linux.gettid(), @fromBackingInt(signal));
}

fn openChaining(agent: u32, signal: u32) !u32 {
    const slot: u32 = @intCast(records.open(agent, 0));
    try std.testing.expectEqual(0, records.hook(slot, signal, option_chain));
    return slot;
}

fn closeRecord(slot: u32) void {
    records.retire(slot);
    records.release(slot);
}

test "a thread that is late for the last reader passes the signal on to the old handler" {
    const signal = @backingInt(std.os.linux.SIG.USR2);
    defer _ = platform.setDisposition(signal, &std.mem.zeroes(platform.Disposition));
    try Foreign.install(signal);
    Foreign.calls = 0;
    for (0..3) |round| {
        try std.testing.expectEqual(0, add(signal, 1, 0));
        try std.testing.expectEqual(0, platform.setDisposition(signal, &platform.ours(&lateHandler)));
        raise(signal);
        try std.testing.expectEqual(round + 1, Foreign.calls);
        const SI_USER = 0;
        try std.testing.expectEqual(SI_USER, Foreign.code);
    }
}

test "a handler that was installed over ours, and calls it, is not called by it, also when we come and go again" {
    const signal = @backingInt(std.os.linux.SIG.USR1);
    defer _ = platform.setDisposition(signal, &std.mem.zeroes(platform.Disposition));
    for (0..2) |_| {
        try std.testing.expectEqual(0, add(signal, 1, 0));
        remove(signal, 1, 0);
    }
    try std.testing.expectEqual(0, add(signal, 1, 0));
    try Foreign.install(signal);
    Foreign.calls = 0;
    Foreign.calls_ours = true;
    defer Foreign.calls_ours = false;
    remove(signal, 1, 0);
    for (1..4) |round| {
        raise(signal);
        try std.testing.expectEqual(round, Foreign.calls);
        try std.testing.expectEqual(0, add(signal, 1, 0));
        remove(signal, 1, 0);
    }
    const agent: u32 = @intCast(agents.open());
    defer agents.close(agent);
    const slot = try openChaining(agent, signal);
    Foreign.calls = 0;
    for (1..4) |round| {
        raise(signal);
        try std.testing.expectEqual(round, Foreign.calls);
    }
    closeRecord(slot);
}

test "a disposition whose handler is no address comes back" {
    const signal = @backingInt(std.os.linux.SIG.WINCH);
    defer _ = platform.setDisposition(signal, &std.mem.zeroes(platform.Disposition));
    var theirs = std.mem.zeroes(platform.Disposition);
    theirs.handler = @ptrFromInt(std.math.maxInt(usize));
    try std.testing.expectEqual(0, platform.setDisposition(signal, &theirs));
    try std.testing.expectEqual(0, add(signal, 1, option_chain));
    remove(signal, 1, option_chain);
    var current: platform.Disposition = undefined;
    try std.testing.expectEqual(0, platform.disposition(signal, &current));
    try std.testing.expectEqual(theirs.handler, current.handler);
}

test "our handler, put back when no reader is left, ends" {
    const signal = @backingInt(std.os.linux.SIG.USR2);
    defer _ = platform.setDisposition(signal, &std.mem.zeroes(platform.Disposition));
    try std.testing.expectEqual(0, platform.setDisposition(signal, &platform.ours(&handler)));
    raise(signal);
}

/// A thread that raises a signal without a pause.
const Raiser = struct {
    signal: u32,
    over: std.atomic.Value(bool) = .init(false),
    raised: std.atomic.Value(u32) = .init(0),

    fn run(raiser: *Raiser) void {
        while (!raiser.over.load(.monotonic)) {
            raiseHere(raiser.signal);
            _ = raiser.raised.fetchAdd(1, .seq_cst);
        }
    }
};

/// An Interrupt that chains comes and goes.
fn comeAndGo(agent: u32, signal: u32) !void {
    closeRecord(try openChaining(agent, signal));
}

test "every signal that a thread raises reaches the earlier handler, while Interrupts that chain come and go" {
    const signal = @backingInt(std.os.linux.SIG.USR2);
    defer _ = platform.setDisposition(signal, &std.mem.zeroes(platform.Disposition));
    try Foreign.install(signal);
    Foreign.calls = 0;
    const agent: u32 = @intCast(agents.open());
    defer agents.close(agent);
    var raiser: Raiser = .{ .signal = signal };
    const thread = try std.Thread.spawn(.{}, Raiser.run, .{&raiser});
    for (0..2_000_000) |_| try comeAndGo(agent, signal);
    raiser.over.store(true, .monotonic);
    thread.join();
    try std.testing.expectEqual(raiser.raised.load(.monotonic), Foreign.calls);
}

/// A signal that no other test uses: `is_overlaid` is for good.
const unused = 41;

test "any number of threads may be in the earlier handler at a time" {
    const signal = unused;
    defer _ = platform.setDisposition(signal, &std.mem.zeroes(platform.Disposition));
    const Waiting = struct {
        const everyone = 100;
        threadlocal var called = false;
        var inside: std.atomic.Value(u32) = .init(0);
        var left_out: std.atomic.Value(u32) = .init(0);

        fn entry(_: i32, _: ?*const anyopaque, _: ?*anyopaque) callconv(.c) void {
            _ = inside.fetchAdd(1, .seq_cst);
            called = true;
            while (inside.load(.seq_cst) + left_out.load(.seq_cst) < everyone) platform.yield();
        }

        fn run() void {
            raiseHere(unused);
            // The others do not wait for it.
            if (!called) _ = left_out.fetchAdd(1, .seq_cst);
        }
    };
    var waiting = platform.ours(&Waiting.entry);
    try std.testing.expectEqual(0, platform.setDisposition(signal, &waiting));
    const agent: u32 = @intCast(agents.open());
    defer agents.close(agent);
    const slot = try openChaining(agent, signal);
    var threads: [Waiting.everyone]std.Thread = undefined;
    for (&threads) |*thread| thread.* = try std.Thread.spawn(.{}, Waiting.run, .{});
    for (threads) |thread| thread.join();
    try std.testing.expectEqual(Waiting.everyone, Waiting.inside.load(.seq_cst));
    closeRecord(slot);
}

test "an earlier handler that does not return, or is interrupted by its own signal, keeps no signal from anybody" {
    const signal = unused;
    defer _ = platform.setDisposition(signal, &std.mem.zeroes(platform.Disposition));
    const Odd = struct {
        var calls: i32 = 0;
        var pending: *std.atomic.Value(i32) = undefined;
        var heard: i32 = 0;
        var what: enum { ends_thread, comes_again, returns } = .ends_thread;

        fn entry(_: i32, _: ?*const anyopaque, _: ?*anyopaque) callconv(.c) void {
            calls += 1;
            heard += pending.swap(0, .seq_cst);
            switch (what) {
                .ends_thread => _ = std.os.linux.syscall1(.exit, 0),
                .comes_again => {
                    what = .returns;
                    var none = std.mem.zeroes(std.os.linux.sigset_t);
                    _ = std.os.linux.sigprocmask(std.os.linux.SIG.SETMASK, &none, null);
                    run();
                },
                .returns => {},
            }
        }

        fn run() void {
            raiseHere(unused);
        }
    };
    var odd = platform.ours(&Odd.entry);
    try std.testing.expectEqual(0, platform.setDisposition(signal, &odd));
    const agent: u32 = @intCast(agents.open());
    defer agents.close(agent);
    const slot = try openChaining(agent, signal);
    Odd.pending = records.get(slot).pending();
    const threads = 100;
    for (0..threads) |_| (try std.Thread.spawn(.{}, Odd.run, .{})).join();
    try std.testing.expectEqual([_]i32{ threads, threads }, [_]i32{ Odd.calls, Odd.heard });
    Odd.what = .comes_again;
    Odd.run();
    try std.testing.expectEqual([_]i32{ threads + 2, threads + 2 }, [_]i32{ Odd.calls, Odd.heard });
    closeRecord(slot);
}

test "a one-shot handler is called once, also when it is put back while a reader chains to it" {
    const signal = @backingInt(std.os.linux.SIG.WINCH);
    defer _ = platform.setDisposition(signal, &std.mem.zeroes(platform.Disposition));
    const agent: u32 = @intCast(agents.open());
    defer agents.close(agent);
    var raiser: Raiser = .{ .signal = signal };
    const thread = try std.Thread.spawn(.{}, Raiser.run, .{&raiser});
    var most: u32 = 0;
    for (0..50_000) |_| {
        Foreign.calls = 0;
        var foreign = platform.ours(&Foreign.entry);
        foreign.flags |= std.os.linux.SA.RESETHAND;
        try std.testing.expectEqual(0, platform.setDisposition(signal, &foreign));
        try comeAndGo(agent, signal);
        try std.testing.expectEqual(0, platform.setDisposition(signal, &platform.ignored()));
        // What was in a handler then, has left it.
        const raised = raiser.raised.load(.seq_cst);
        while (raiser.raised.load(.seq_cst) -% raised < 2) std.atomic.spinLoopHint();
        most = @max(most, Foreign.calls);
    }
    raiser.over.store(true, .monotonic);
    thread.join();
    try std.testing.expectEqual(1, most);
}

test "what stands beneath gets every signal when the runtime listens" {
    const signal = @backingInt(std.os.linux.SIG.USR2);
    defer _ = platform.setDisposition(signal, &std.mem.zeroes(platform.Disposition));
    const agent: u32 = @intCast(agents.open());
    defer agents.close(agent);
    try std.testing.expectEqual(0, listening(agent, signal));
    try Foreign.install(signal);
    try std.testing.expectEqual(0, listened(signal));
    Foreign.calls = 0;
    const slot: u32 = @intCast(records.open(agent, 0));
    try std.testing.expectEqual(0, records.hook(slot, signal, option_listened));
    raise(signal);
    try std.testing.expectEqual(1, Foreign.calls);
    closeRecord(slot);
}

test "a signal that comes when the runtime listens and ours is not in yet reaches the Interrupt, and none that an earlier one heard" {
    const signal = @backingInt(std.os.linux.SIG.IO);
    const agent: u32 = @intCast(agents.open());
    defer agents.close(agent);
    const Scene = struct {
        fn open(which: u32) !u32 {
            try std.testing.expectEqual(0, listening(which, signal));
            // What the runtime does.
            try Foreign.install(signal);
            try std.testing.expectEqual(0, listened(signal));
            const slot: u32 = @intCast(records.open(which, 0));
            try std.testing.expectEqual(0, records.hook(slot, signal, option_listened));
            return slot;
        }

        fn close(which: u32, slot: u32) !void {
            closeRecord(slot);
            try std.testing.expectEqual(0, platform.setDisposition(signal, &std.mem.zeroes(platform.Disposition)));
            try std.testing.expectEqual(0, unlistened(which, signal, 1));
        }

        fn take(slot: u32) i32 {
            return records.get(slot).pending().swap(0, .seq_cst);
        }
    };
    var slot = try Scene.open(agent);
    // The runtime calls its listener, and ours has passed nothing on.
    listenerCalled(agent, signal, 0);
    try std.testing.expectEqual(1, Scene.take(slot));
    raiseHere(signal);
    try std.testing.expectEqual(1, Scene.take(slot));
    try Scene.close(agent, slot);
    slot = try Scene.open(agent);
    // For what the one before has heard.
    listenerCalled(agent, signal, 0);
    try std.testing.expectEqual(0, Scene.take(slot));
    try Scene.close(agent, slot);
    slot = try Scene.open(agent);
    listenerCalled(agent, signal, 0);
    try std.testing.expectEqual(1, Scene.take(slot));
    try Scene.close(agent, slot);
}
