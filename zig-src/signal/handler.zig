//! All that may run in a signal handler, and nothing else. It takes no lock, allocates nothing and
//! makes only calls that are async-signal-safe. What it reads is in hook.zig.
const std = @import("std");
const hook_state = @import("hook.zig");
const platform = @import("../platform.zig");
const subscribers = @import("subscribers.zig");

const Hook = hook_state.Hook;
const old_bits = hook_state.old_bits;

/// Threads that are inside an old handler which may call ours, each with its signal. Such a handler
/// may call ours in the middle of its work, so a thread looks here only after it has delivered: a
/// subscriber rather gets a signal twice than not at all. A thread that finds no room here does not
/// call the old handler.
var chaining: [64]std.atomic.Value(u64) = @splat(.init(0));

pub fn handler(signal: i32, info: ?*const anyopaque, context: ?*anyopaque) callconv(.c) void {
    const hook = &hook_state.hooks[@intCast(signal)];
    if (hook.hysteresis.load(.seq_cst)) ignore(@intCast(signal), hook);
    const delivered = deliver(@intCast(signal), hook, info) orelse return;
    var runtime = hook.runtime_handler.load(.acquire);
    if (runtime != 0 and platform.processId() != hook_state.listening_process) runtime = 0;
    var old = hook.old_handler.load(.acquire);
    if (delivered & subscribers.chains == 0 and old & old_bits.always == 0) old = 0;
    // A handler that never calls ours needs no entry. It may run on any number of threads at a
    // time, be interrupted by its own signal, and never return.
    const entry = if ((runtime | old) & old_bits.calls_ours == 0)
        null
    else
        enterChaining(signal) orelse return;
    if (runtime != 0) {
        // Counted before the call: the listener that it calls may run at once, on another thread.
        _ = hook.passed_on.fetchAdd(1, .seq_cst);
        platform.chain(runtime & ~old_bits.all, signal, info, context);
    }
    platform.chain(takeOldHandler(hook, old), signal, info, context);
    if (entry) |it| it.store(0, .monotonic);
}

/// null: this thread is there already with this signal, or there is no room.
fn enterChaining(signal: i32) ?*std.atomic.Value(u64) {
    const key = keyOf(signal);
    for (&chaining) |*entry| if (entry.load(.monotonic) == key) return null;
    for (&chaining) |*entry| {
        if (entry.cmpxchgStrong(0, key, .monotonic, .monotonic) == null) return entry;
    }
    return null;
}

fn keyOf(signal: i32) u64 {
    return @as(u64, @intCast(platform.threadId())) << 32 | @as(u32, @intCast(signal));
}

/// The address to call. Of several threads that take a one-shot handler at the same time one gets
/// it, and the others 0.
pub fn takeOldHandler(hook: *Hook, old: u64) usize {
    const taken = old & old_bits.one_shot == 0 or
        hook.old_handler.cmpxchgStrong(old, 0, .acq_rel, .monotonic) == null;
    return if (taken) old & ~old_bits.all else 0;
}

/// Hysteresis: the kernel shall ignore the signal until JavaScript has handled it. This comes
/// before the delivery, so that after each ignoring a record becomes pending, whose handling
/// rearms the signal. The other way round, the handling could come between the two, and nobody
/// would end the ignoring.
fn ignore(signal: u32, hook: *Hook) void {
    // Counted before the second look: the registry clears `hysteresis` and then waits for the
    // count, so either it sees us here or we see that it is off.
    _ = hook.ignoring.fetchAdd(1, .seq_cst);
    defer _ = hook.ignoring.fetchSub(1, .seq_cst);
    if (!hook.hysteresis.load(.seq_cst)) return;
    var displaced: platform.Disposition = undefined;
    // If the kernel refuses, the signal is delivered each time, which is correct too.
    if (platform.swapDisposition(signal, &platform.ignored(), &displaced) < 0) return;
    switch (stateOf(&displaced)) {
        .ours => hook.ignored.store(true, .seq_cst),
        .ignored => {},
        // A foreign handler was installed over ours and has called it: that one stays.
        .foreign => if (platform.setDisposition(signal, &displaced) < 0) {
            hook.ignored.store(true, .seq_cst);
        },
    }
}

/// To all subscribers. Answers with their words, or-ed; 0 when there is none.
///
/// null: the signal was in flight. The kernel had chosen our handler, and the last subscriber went
/// before this thread read the cells. The disposition that has returned since is entitled to it, so
/// the thread sends the signal to itself again, with its siginfo; it arrives there when this
/// handler returns and no longer masks it.
fn deliver(signal: u32, hook: *Hook, info: ?*const anyopaque) ?u64 {
    while (true) {
        const changes = hook.changes.load(.seq_cst);
        const delivered = hook.subscribers.deliver();
        if (delivered != 0) return delivered;
        var current: platform.Disposition = undefined;
        const status = platform.disposition(signal, &current);
        // After all the rest: a subscriber may have come to a cell that we had passed, and another
        // may have gone from one that we had not reached.
        if (hook.changes.load(.seq_cst) != changes) continue;
        const is_in_flight = status == 0 and stateOf(&current) != .ours and
            // The load first: where this happens for ever, the subtraction alone would wrap.
            hook.in_flight.load(.seq_cst) > 0 and
            hook.in_flight.fetchSub(1, .seq_cst) > 0;
        if (!is_in_flight) return 0;
        platform.sendAgain(signal, info);
        return null;
    }
}

pub const State = enum { ours, ignored, foreign };

pub fn stateOf(current: *const platform.Disposition) State {
    const address = @intFromPtr(current.handler);
    if (address == @intFromPtr(&handler)) return .ours;
    return if (address == @intFromPtr(platform.ignored().handler)) .ignored else .foreign;
}

test "our handler, put back when no subscriber is left, ends" {
    const linux = std.os.linux;
    const signal = @backingInt(linux.SIG.USR2);
    defer _ = platform.setDisposition(signal, &std.mem.zeroes(platform.Disposition));
    try std.testing.expectEqual(0, platform.setDisposition(signal, &platform.ours(&handler)));
    _ = linux.kill(linux.getpid(), @fromBackingInt(signal));
}
