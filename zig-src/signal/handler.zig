//! All that may run in a signal handler, and nothing else. It takes no lock, allocates nothing and
//! makes only calls that are async-signal-safe. What it reads is in hook.zig.
const std = @import("std");
const hook_state = @import("hook.zig");
const platform = @import("../platform.zig");
const subscribers = @import("subscribers.zig");

const Hook = hook_state.Hook;
const old_bits = hook_state.old_bits;

/// Threads that are inside an old handler that may call ours, each with its signal, so that the two
/// do not call each other for ever. A thread looks here after it has delivered: a subscriber may
/// get a signal twice, but not lose it. A thread that finds no room does not call the old handler.
var chaining: [64]std.atomic.Value(u64) = @splat(.init(0));

pub fn handler(signal: i32, info: ?*const anyopaque, context: ?*anyopaque) callconv(.c) void {
    const hook = &hook_state.hooks[@intCast(signal)];
    if (hook.hysteresis.load(.seq_cst)) ignore(@intCast(signal), hook);
    // On another thread the subscriber may close as soon as it is signalled. Its listener must stay
    // until the runtime has called it for this signal, which does not yet count as passed on.
    _ = hook_state.passing.fetchAdd(1, .seq_cst);
    const delivered = deliver(@intCast(signal), hook, info) orelse return leave();
    var runtime = hook.runtime_handler.load(.acquire);
    if (runtime != 0 and platform.processId() != hook_state.listening_process) runtime = 0;
    var old = hook.old_handler.load(.acquire);
    if (delivered & subscribers.chains == 0 and old & old_bits.always == 0) old = 0;
    // A handler that never calls ours needs no entry. It may run on any number of threads at a
    // time, be interrupted by its own signal, and never return.
    const entry = if ((runtime | old) & old_bits.calls_ours == 0)
        null
    else
        enterChaining(signal) orelse return leave();
    // Counted before the call: the listener that it calls may run at once, on another thread.
    if (runtime != 0) _ = hook.passed_on.fetchAdd(1, .seq_cst);
    leave();
    platform.chain(runtime & ~old_bits.all, signal, info, context);
    platform.chain(takeOldHandler(hook, old), signal, info, context);
    if (entry) |it| it.store(0, .monotonic);
}

/// The signal counts as passed on, or is not for the runtime.
fn leave() void {
    _ = hook_state.passing.fetchSub(1, .seq_cst);
}

/// null: this thread has an entry for this signal already, or there is no room.
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

/// The address to call. If several threads take a one-shot handler at the same time, one gets it
/// and the others get 0.
pub fn takeOldHandler(hook: *Hook, old: u64) usize {
    const taken = old & old_bits.one_shot == 0 or
        hook.old_handler.cmpxchgStrong(old, 0, .acq_rel, .monotonic) == null;
    return if (taken) old & ~old_bits.all else 0;
}

/// Hysteresis: makes the kernel ignore the signal until JavaScript has handled it. It comes before
/// the delivery. In the other order JavaScript could handle and rearm the signal between the two,
/// and the signal would stay ignored.
fn ignore(signal: u32, hook: *Hook) void {
    // Count first, then look again. The registry clears `hysteresis` and then waits for the count:
    // either it sees this handler counted, or this handler sees that hysteresis is off.
    _ = hook.ignoring.fetchAdd(1, .seq_cst);
    defer _ = hook.ignoring.fetchSub(1, .seq_cst);
    if (!hook.hysteresis.load(.seq_cst)) return;
    var displaced: platform.Disposition = undefined;
    // If the kernel refuses, the signal is delivered each time, which is correct too.
    if (platform.swapDisposition(signal, &platform.ignored(), &displaced) < 0) return;
    switch (stateOf(&displaced)) {
        .ours => hook.ignored.store(true, .seq_cst),
        .ignored => {},
        // Other code has installed a handler over ours, and it has called ours: it stays.
        .foreign => if (platform.setDisposition(signal, &displaced) < 0) {
            hook.ignored.store(true, .seq_cst);
        },
    }
}

/// Delivers to all subscribers. Returns their words, or-ed; 0 if there is none.
///
/// null: the signal was in flight. The kernel had chosen our handler, and the last subscriber went
/// before this thread read the cells. So the thread sends the signal to itself again, with its
/// siginfo: when this handler returns, the signal is unmasked, and goes to the disposition that is
/// back by then.
fn deliver(signal: u32, hook: *Hook, info: ?*const anyopaque) ?u64 {
    while (true) {
        const changes = hook.changes.load(.seq_cst);
        const found = hook.subscribers.deliver(signal);
        const is_refused = hook.gives_back.load(.seq_cst) and !giveBack(signal, hook);
        const delivered = found & ~subscribers.spent;
        if (delivered != 0) return delivered;
        var current: platform.Disposition = undefined;
        const status = platform.disposition(signal, &current);
        const is_target = isTarget(hook, &current) or
            @intFromPtr(current.handler) == hook.other_target.load(.seq_cst);
        const is_back = is_target and !hook.has_foreign_handler.load(.seq_cst);
        // Read again after all the rest: a subscriber may have come to a cell that was passed, and
        // another may have left a cell that was not yet reached.
        if (hook.changes.load(.seq_cst) != changes) continue;
        // All are spent, so what the signal did before is entitled to it.
        const is_spent = found != 0;
        if (is_spent and status == 0 and stateOf(&current) == .ours) {
            // To look again for ever would be worse than to lose it.
            if (is_refused) return 0;
            if (leaveToRegistry(signal, hook, changes)) return null;
            continue;
        }
        const is_in_flight = status == 0 and stateOf(&current) != .ours and
            // The load first: where this happens for ever, the subtraction alone would wrap.
            hook.in_flight.load(.seq_cst) > 0 and
            hook.in_flight.fetchSub(1, .seq_cst) > 0;
        // Else another handler has it, and has called ours.
        if (!is_in_flight and !(is_spent and status == 0 and is_back)) return 0;
        platform.sendAgain(signal, info);
        return null;
    }
}

/// Puts back what the signal did before, if all subscribers are spent. false: the kernel refuses,
/// and the signal stays ours until JavaScript has handled it.
pub fn giveBack(signal: u32, hook: *Hook) bool {
    // Counted as in ignore(), and for the same reason.
    _ = hook.ignoring.fetchAdd(1, .seq_cst);
    defer _ = hook.ignoring.fetchSub(1, .seq_cst);
    if (!hook.gives_back.load(.seq_cst) or hook.given_back.load(.seq_cst)) return true;
    // A subscriber that comes just now may be in its cell already. Its add() waits for the count,
    // and then puts our handler in again.
    if (!hook.subscribers.areSpent()) return true;
    var displaced: platform.Disposition = undefined;
    if (platform.swapDisposition(signal, &hook.target, &displaced) < 0) return false;
    if (stateOf(&displaced) == .ours) {
        hook.given_back.store(true, .seq_cst);
    } else if (!isTarget(hook, &displaced)) {
        // Other code has installed a handler over ours: it stays. If the target was there, another
        // thread gives it back at the same time.
        _ = platform.setDisposition(signal, &displaced);
    }
    return true;
}

pub fn isTarget(hook: *Hook, current: *const platform.Disposition) bool {
    return @intFromPtr(current.handler) == hook.target_handler.load(.seq_cst);
}

/// All are spent, and the registry is changing them: it alone can tell where the signal goes. It
/// looks when it is done. false: it may have looked already, and the caller looks again itself.
fn leaveToRegistry(signal: u32, hook: *Hook, changes: u32) bool {
    hook.missed.store(true, .seq_cst);
    var current: platform.Disposition = undefined;
    const is_ours = platform.disposition(signal, &current) == 0 and stateOf(&current) == .ours;
    const may_give_back = hook.gives_back.load(.seq_cst) and hook.subscribers.areSpent();
    if (is_ours and !may_give_back and hook.changes.load(.seq_cst) == changes) return true;
    return !hook.missed.swap(false, .seq_cst);
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
