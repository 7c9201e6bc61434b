//! Signals of Windows: the events of a console, which come to a chain of handlers. The last one to
//! register is called first, on a thread of its own, and ends the chain by returning true.
//!
//! Here one such handler plays the kernel: it has a table of dispositions, and calls what stands
//! there. What stands there at first, and comes back in the end, is `next`: the event goes on to
//! the next console handler, which is the runtime's, or Windows' own, which ends the process.
const std = @import("std");
const api = @import("windows_api.zig");

const SIGHUP = 1;
const SIGINT = 2;
const SIGBREAK = 21;

/// SIGWINCH, in the numbering of libuv.
pub const signal_max = 28;

pub const Handler = *const fn (i32, ?*const anyopaque, ?*anyopaque) callconv(.c) void;

pub const Disposition = extern struct { handler: ?*const anyopaque };

/// No code has this address.
const next = 2;

var table: [signal_max + 1]std.atomic.Value(usize) = @splat(.init(next));

pub fn isReserved(signal: u32) bool {
    return switch (signal) {
        // ILL, ABRT by its other number, FPE, KILL, SEGV, ABRT: libc alone raises them.
        4, 6, 8, 9, 11, 22 => true,
        else => false,
    };
}

pub fn delivers(signal: u32) bool {
    return signal == SIGINT or signal == SIGBREAK or signal == SIGHUP;
}

pub fn disposition(signal: u32, out: *Disposition) i32 {
    out.handler = @ptrFromInt(table[signal].load(.seq_cst));
    return 0;
}

pub fn setDisposition(signal: u32, new: *const Disposition) i32 {
    var old: Disposition = undefined;
    return swapDisposition(signal, new, &old);
}

pub fn swapDisposition(signal: u32, new: *const Disposition, old: *Disposition) i32 {
    // The runtime has registered its own handler by now: its listener comes before ours.
    if (!is_registered.swap(true, .seq_cst)) {
        const failed = register();
        if (failed != 0) {
            is_registered.store(false, .seq_cst);
            return failed;
        }
    }
    old.handler = @ptrFromInt(table[signal].swap(@intFromPtr(new.handler), .seq_cst));
    return 0;
}

var is_registered: std.atomic.Value(bool) = .init(false);

fn register() i32 {
    const FLS_OUT_OF_INDEXES = 0xffff_ffff;
    if (events_index == FLS_OUT_OF_INDEXES) events_index = api.FlsAlloc(onEventEnd);
    if (events_index == FLS_OUT_OF_INDEXES) return api.failed(.FlsAlloc);
    if (api.SetConsoleCtrlHandler(onEvent, 1) == 0) return api.failed(.SetConsoleCtrlHandler);
    return 0;
}

/// How many events have come to our handler whose threads have not ended: the handlers after ours
/// may not have seen them yet.
var events: std.atomic.Value(u32) = .init(0);
/// The thread of an event has a value there, so that its end calls back.
var events_index: u32 = 0xffff_ffff;

fn onEventEnd(_: ?*anyopaque) callconv(.winapi) void {
    _ = events.fetchSub(1, .seq_cst);
}

pub fn awaitPassedOn() void {
    // A handler of other code may never return.
    const patience_ms = 1000;
    for (0..patience_ms) |_| {
        if (events.load(.seq_cst) == 0) return;
        api.Sleep(1);
    }
}

pub fn ours(handler: Handler) Disposition {
    return .{ .handler = @ptrCast(handler) };
}

pub fn ignored() Disposition {
    return .{ .handler = @ptrFromInt(1) };
}

pub fn isOneShot(_: *const Disposition) bool {
    return false;
}

/// What a handler has asked for: `info` and `context` of its call point to it.
const Wish = struct { goes_on: bool = false, comes_again: bool = false };

/// Windows ends the process when the handler of this event returns.
const CTRL_CLOSE_EVENT = 2;

fn onEvent(event: u32) callconv(.winapi) api.BOOL {
    const signal: u32 = switch (event) {
        0 => SIGINT,
        1 => SIGBREAK,
        CTRL_CLOSE_EVENT => SIGHUP,
        // The user logs off, or the machine shuts down: for services, which have their own notice.
        else => return 0,
    };
    // The handlers of the other event do not return.
    if (event != CTRL_CLOSE_EVENT) {
        _ = events.fetchAdd(1, .seq_cst);
        if (api.FlsSetValue(events_index, &events) == 0) _ = events.fetchSub(1, .seq_cst);
    }
    // Where the runtime listens, it is the runtime's handler that does not return.
    if (play(signal)) return 0;
    if (event == CTRL_CLOSE_EVENT) api.Sleep(api.INFINITE);
    return 1;
}

/// Returns whether the event goes on to the next console handler.
fn play(signal: u32) bool {
    while (true) {
        var wish: Wish = .{};
        switch (table[signal].load(.seq_cst)) {
            // As Windows' own handler does.
            0 => api.ExitProcess(0xc000_013a),
            1 => return false,
            next => return true,
            else => |address| {
                const handler: Handler = @ptrFromInt(address);
                handler(@intCast(signal), &wish, &wish);
            },
        }
        if (!wish.comes_again) return wish.goes_on;
    }
}

pub fn sendAgain(_: u32, info: ?*const anyopaque) void {
    const wish: *Wish = @ptrCast(@alignCast(@constCast(info orelse return)));
    wish.comes_again = true;
}

/// Only for a signal that came while nobody could tell where it goes. There is no chain of console
/// handlers here for it to go on in, and GenerateConsoleCtrlEvent() would send it to all processes
/// of the console.
pub fn send(signal: u32) void {
    _ = play(signal);
}

pub fn chain(handler: usize, _: i32, _: ?*const anyopaque, context: ?*anyopaque) void {
    if (handler != next) return;
    const wish: *Wish = @ptrCast(@alignCast(context orelse return));
    wish.goes_on = true;
}

/// `next` is nobody's code: without a listener of ours, what comes next may end the process.
pub fn isHosts(_: u64) bool {
    return false;
}
