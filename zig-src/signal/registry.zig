//! All that changes which subscribers a signal has, and its disposition: add, remove, change,
//! rearm, and the listeners of the runtime. JavaScript threads call it, one at a time: it holds a
//! lock, which the handler never takes.
const std = @import("std");
const agents = @import("../agent.zig");
const handlers = @import("handler.zig");
pub const state = @import("hook.zig");
const invariants = @import("../invariant.zig");
const platform = @import("../platform.zig");
const subscribers = @import("subscribers.zig");
const Lock = @import("../lock.zig").Lock;
const Status = @import("../status.zig").Status;

const Hook = state.Hook;
const old_bits = state.old_bits;
const hooks = &state.hooks;
const handler = handlers.handler;
const stateOf = handlers.stateOf;
const debugCheck = invariants.debugCheck;
const invariant = invariants.invariant;

pub const option_chain = 1;
pub const option_hysteresis = 2;
/// A listener of the runtime was registered first. So what stands beneath ours is the runtime's
/// handler, which gets every signal.
pub const option_listened = 4;
/// One signal, and then what it did before.
pub const option_once = 8;

var lock: Lock = .{};

/// Returns 0 if an Interrupt may hook `signal`.
pub fn check(signal: u32) callconv(.c) i32 {
    if (signal == 0 or signal > platform.signal_max) return Status.unknown_signal.code();
    if (platform.isReserved(signal)) return Status.reserved_signal.code();
    if (!platform.delivers(signal)) return Status.undelivered.code();
    return 0;
}

pub fn add(signal: u32, token: u64, options: u32) i32 {
    const status = check(signal);
    if (status < 0) return status;
    lock.acquire();
    defer lock.release();
    const hook = &hooks[signal];
    const cell = hook.subscribers.findFree() orelse return Status.full.code();
    // The cell before our handler is in: a signal that comes at once must find its subscriber. The
    // count of changes after the cell: a handler that has missed the cell then looks again.
    cell.store(wordOf(token, options), .seq_cst);
    _ = hook.changes.fetchAdd(1, .seq_cst);
    stopIgnoring(hook);
    count(hook, options, .up);
    const installed = install(signal, options);
    if (installed < 0) {
        cell.store(0, .seq_cst);
        count(hook, options, .down);
    } else {
        hook.locked.count += 1;
    }
    resumeIgnoring(signal);
    return installed;
}

pub fn remove(signal: u32, token: u64, options: u32) void {
    removeLocked(signal, token, options);
    // The runtime's listener goes next. A signal that comes to the runtime only after that does
    // what it does by default, although a subscriber has had it.
    platform.awaitPassedOn();
}

fn removeLocked(signal: u32, token: u64, options: u32) void {
    lock.acquire();
    defer lock.release();
    const hook = &hooks[signal];
    _ = hook.changes.fetchAdd(1, .seq_cst);
    invariant(hook.locked.count != 0);
    hook.locked.count -= 1;
    stopIgnoring(hook);
    // The old disposition returns before the subscriber goes: a signal that comes meanwhile has one
    // of the two. Where others stay and the kernel ignores the signal just now, each of them is
    // pending, and its handling rearms the signal.
    if (hook.locked.count == 0) restore(signal);
    cellOf(hook, token).store(0, .seq_cst);
    count(hook, options, .down);
    resumeIgnoring(signal);
}

/// Whether a subscriber that wanted one signal has had it.
pub fn isSpent(signal: u32, token: u64) bool {
    lock.acquire();
    defer lock.release();
    return cellOf(&hooks[signal], token).load(.seq_cst) & subscribers.spent != 0;
}

pub fn change(signal: u32, token: u64, old_options: u32, new_options: u32) i32 {
    lock.acquire();
    defer lock.release();
    const hook = &hooks[signal];
    stopIgnoring(hook);
    subscribers.change(cellOf(hook, token), new_options & option_chain != 0);
    count(hook, new_options, .up);
    count(hook, old_options, .down);
    const status = rearmLocked(signal);
    resumeIgnoring(signal);
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

fn wordOf(token: u64, options: u32) u64 {
    return subscribers.wordOf(token, options & option_chain != 0, options & option_once != 0);
}

/// For a number that comes from JavaScript and that check() has not seen.
fn hookOf(signal: u32) *Hook {
    invariant(signal <= platform.signal_max);
    return &hooks[signal];
}

/// The cell of a subscriber that has one.
fn cellOf(hook: *Hook, token: u64) *std.atomic.Value(u64) {
    const cell = hook.subscribers.find(token);
    invariant(cell != null);
    return cell.?;
}

fn count(hook: *Hook, options: u32, direction: enum { up, down }) void {
    const locked = &hook.locked;
    if (options & option_hysteresis != 0) step(&locked.with_hysteresis, direction == .up);
    if (options & option_once != 0) step(&locked.with_once, direction == .up);
}

fn step(counter: *u32, up: bool) void {
    debugCheck(up or counter.* != 0);
    if (up) counter.* += 1 else counter.* -= 1;
}

/// While subscribers come and go no handler changes the disposition. One might have made the kernel
/// ignore the signal just now and not yet have set `ignored`: then we would believe that foreign
/// code had set SIG_IGN, and put it back at the end.
fn stopIgnoring(hook: *Hook) void {
    hook.hysteresis.store(false, .seq_cst);
    hook.gives_back.store(false, .seq_cst);
    // A handler that still saw one of them on may be about to change the disposition. This loop
    // ends, since those that come now see them off.
    while (hook.ignoring.load(.seq_cst) != 0) platform.yield();
}

fn resumeIgnoring(signal: u32) void {
    const hook = &hooks[signal];
    const locked = &hook.locked;
    const all_once = locked.count != 0 and locked.with_once >= locked.count;
    const all_hysteresis = locked.count != 0 and locked.with_hysteresis >= locked.count;
    hook.hysteresis.store(all_hysteresis and !all_once, .seq_cst);
    if (all_once) {
        setTarget(hook);
        hook.gives_back.store(true, .seq_cst);
        // A signal may have spent them before that.
        _ = handlers.giveBack(signal, hook);
    }
    // After all else: a handler that sets it later sees what is above.
    if (hook.missed.swap(false, .seq_cst)) platform.send(signal);
}

/// What the signal did before. If no other than our listener is with the runtime, that is what it
/// did before the runtime installed its handler: with that handler it would do nothing.
fn setTarget(hook: *Hook) void {
    const locked = &hook.locked;
    const runtime = hook.runtime_handler.load(.monotonic) & ~old_bits.all;
    const old = @intFromPtr(locked.old.handler);
    const before = &locked.listeners.before;
    // The listener for which the runtime had installed its handler before ours has gone, or it was
    // Deno, which installs it by itself and plays the default action if there is no listener.
    const is_runtimes = @intFromPtr(before.handler) == runtime and locked.others == .none;
    const alone = if (runtime == 0 or runtime != old)
        locked.old
    else if (is_runtimes) std.mem.zeroes(platform.Disposition) else before.*;
    const target, const other = if (locked.others == .some)
        .{ locked.old, alone }
    else
        .{ alone, locked.old };
    hook.target = target;
    hook.other_target.store(@intFromPtr(other.handler), .seq_cst);
    hook.target_handler.store(@intFromPtr(target.handler), .seq_cst);
}

/// Whether we have put there what is there now: our handler, SIG_IGN for hysteresis, or what the
/// signal did before, for subscribers that want one signal.
fn isOurs(hook: *Hook, current: *const platform.Disposition) bool {
    const is_given_back = hook.given_back.load(.seq_cst) and handlers.isTarget(hook, current);
    return is_given_back or switch (stateOf(current)) {
        .ours => true,
        .ignored => hook.ignored.load(.seq_cst),
        .foreign => false,
    };
}

/// Called when the first of the program's own listeners comes to the runtime, and when the last of
/// them goes.
pub fn othersListen(signal: u32, on: u32) callconv(.c) void {
    lock.acquire();
    defer lock.release();
    const hook = hookOf(signal);
    const others: state.Others = if (on != 0) .some else .none;
    if (hook.locked.others == others) return;
    hook.locked.others = others;
    stopIgnoring(hook);
    defer resumeIgnoring(signal);
    if (!hook.given_back.load(.seq_cst)) return;
    const given = hook.target_handler.load(.seq_cst);
    setTarget(hook);
    var displaced: platform.Disposition = undefined;
    if (platform.swapDisposition(signal, &hook.target, &displaced) < 0) return;
    // What other code has installed since stays.
    if (@intFromPtr(displaced.handler) != given) _ = platform.setDisposition(signal, &displaced);
}

/// Reads the live disposition instead of a table of our own: the runtime, or other code, may have
/// replaced ours.
fn install(signal: u32, options: u32) i32 {
    const hook = &hooks[signal];
    const locked = &hook.locked;
    var current: platform.Disposition = undefined;
    const status = platform.disposition(signal, &current);
    if (status < 0) return status;
    // Our handler has stayed there without a subscriber, because restore() failed. Meanwhile other
    // code may have installed a handler over it that calls ours.
    if (locked.count == 0 and stateOf(&current) == .ours) foreignHandlerInstalled(hook);
    if (locked.count == 0) {
        hook.runtime_handler.store(0, .release);
        const passed = hook.passed_on.load(.seq_cst);
        locked.listeners.passed_then = if (passed == locked.listeners.calls) passed else null;
    }
    // Before our handler is in: a signal that comes at once must find which handler to call.
    if (!isOurs(hook, &current)) keep(hook, &current, .{ .may_be_running = true });
    if (options & option_listened != 0) passOn(hook);
    var displaced: platform.Disposition = undefined;
    const installed = putIn(signal, &displaced);
    if (installed < 0) return installed;
    // Another thread may have installed its own in between.
    if (!isOurs(hook, &displaced)) keep(hook, &displaced, .{});
    hook.ignored.store(false, .seq_cst);
    hook.given_back.store(false, .seq_cst);
    return 0;
}

fn putIn(signal: u32, displaced: *platform.Disposition) i32 {
    return platform.swapDisposition(signal, &platform.ours(&handler), displaced);
}

/// `old` is what returns when the last subscriber goes, and what a handler calls until then.
fn keep(
    hook: *Hook,
    old: *const platform.Disposition,
    options: struct { may_be_running: bool = false },
) void {
    if (hook.locked.count != 0) foreignHandlerInstalled(hook);
    hook.locked.old = old.*;
    // The kernel may be calling a one-shot handler at this moment. Ours must not call it again.
    const is_spent = options.may_be_running and platform.isOneShot(old);
    hook.old_handler.store(if (is_spent) 0 else handlerOf(hook, old), .release);
    if (hook.runtime_handler.load(.monotonic) != 0) passOn(hook);
}

fn handlerOf(hook: *const Hook, old: *const platform.Disposition) u64 {
    var word: u64 = @intFromPtr(old.handler);
    // It may be no address: some code installs SIG_ERR.
    if (word & old_bits.all != 0) return 0;
    if (platform.isOneShot(old)) word |= old_bits.one_shot;
    if (hook.has_foreign_handler.load(.monotonic)) word |= old_bits.calls_ours;
    return word;
}

/// From here on the runtime's handler gets every signal: the one that stood beneath ours first. So
/// does a handler that was installed over ours since: that may be another version of this library,
/// whose Interrupts must get the signal too.
fn passOn(hook: *Hook) void {
    const locked = &hook.locked;
    const old = handlerOf(hook, &locked.old);
    const known = hook.runtime_handler.load(.monotonic) & ~old_bits.all;
    const runtime = if (known != 0) known else old & ~old_bits.all;
    // SIG_DFL and SIG_IGN: the runtime has no handler for this signal. A one-shot handler is Node's
    // that exits; those for listeners never are.
    if (runtime <= 1 or (known == 0 and platform.isOneShot(&locked.old))) return;
    // An Interrupt of a Worker whose own thread can have no listener: other threads may have one.
    if (locked.listeners.count == 0 and !platform.isHosts(runtime)) return;
    hook.runtime_handler.store(runtime | (old & old_bits.calls_ours), .release);
    const is_runtimes = old & ~old_bits.all == runtime;
    const old_word = if (is_runtimes) displacedByRuntime(hook, runtime) else old | old_bits.always;
    hook.old_handler.store(old_word, .release);
}

/// The handler that the runtime has displaced, for a subscriber that chains. 0 if that was the
/// runtime's own, such as Node's handler that exits.
fn displacedByRuntime(hook: *Hook, runtime: u64) u64 {
    const before = handlerOf(hook, &hook.locked.listeners.before);
    const address = before & ~old_bits.all;
    const is_runtimes = address == runtime or platform.isHosts(address);
    return if (address <= 1 or is_runtimes) 0 else before;
}

/// Called before an agent registers its listener with the runtime, for the first time or again.
/// Returns 1 if the signal is ignored until now.
pub fn listening(agent: u32, signal: u32) callconv(.c) i32 {
    lock.acquire();
    defer lock.release();
    const hook = hookOf(signal);
    var current: platform.Disposition = undefined;
    const status = platform.disposition(signal, &current);
    if (status < 0) return status;
    const old = &hook.locked.old;
    const listeners = &hook.locked.listeners;
    state.listening_process = platform.processId();
    listeners.handler_then = @intFromPtr(current.handler);
    const before = if (isOurs(hook, &current)) old else &current;
    const keeps = listeners.is_owed and (before.handler == null or before == old);
    if (listeners.count == 0 and !keeps) listeners.before = before.*;
    if (listeners.counter == agents.nobody) listeners.counter = agent;
    // Counted here and not in listened(): of two agents that register at the same time, the second
    // would take the runtime's handler for what was there before.
    if (agents.addListener(agent, signal)) listeners.count += 1;
    return @intFromBool(stateOf(before) == .ignored);
}

/// Called after the agent has registered it. If the runtime has just installed its handler over
/// ours, ours goes on top again.
pub fn listened(signal: u32) callconv(.c) i32 {
    lock.acquire();
    defer lock.release();
    const hook = hookOf(signal);
    if (hook.locked.count == 0) return 0;
    const status = takeBack(signal, hook.locked.listeners.handler_then);
    if (status < 0) return status;
    passOn(hook);
    return 0;
}

/// Puts our handler on top again if the runtime has replaced it, and returns 1 then. A handler is
/// the runtime's if it is in the runtime's own code, or, where `before` is given, if it is another.
fn takeBack(signal: u32, before: ?usize) i32 {
    const hook = &hooks[signal];
    stopIgnoring(hook);
    defer resumeIgnoring(signal);
    var current: platform.Disposition = undefined;
    const status = platform.disposition(signal, &current);
    if (status < 0 or isOurs(hook, &current)) return @min(status, 0);
    const address = @intFromPtr(current.handler);
    const others = before orelse address;
    // A handler that other code has installed stays.
    const is_foreign = address == others and address != 0 and !platform.isHosts(address);
    if (address == 1 or is_foreign) return 0;
    // Where the runtime has taken its own handler away, nothing is left to call.
    if (address != others and address != @intFromPtr(hook.locked.old.handler)) {
        keep(hook, &current, .{});
    }
    const put = putIn(signal, &current);
    if (put < 0) return put;
    hook.given_back.store(false, .seq_cst);
    return 1;
}

/// Called by the agent's listener. If our handler has passed nothing on since it was installed,
/// the signal came before that, when the listener was already there: the subscribers get it now.
pub fn listenerCalled(agent: u32, signal: u32) callconv(.c) void {
    lock.acquire();
    defer lock.release();
    const hook = hookOf(signal);
    const listeners = &hook.locked.listeners;
    if (listeners.counter != agent) return;
    // The runtime had put its handler over ours, which we learn only now.
    if (hook.locked.count != 0 and takeBack(signal, null) > 0) return deliverHere(signal, hook);
    const passed = hook.passed_on.load(.seq_cst);
    defer listeners.passed_then = null;
    if (listeners.passed_then == passed) {
        deliverHere(signal, hook);
    } else if (listeners.calls != passed) {
        listeners.calls +%= 1;
    }
}

fn deliverHere(signal: u32, hook: *Hook) void {
    _ = hook.subscribers.deliver(signal);
    _ = handlers.giveBack(signal, hook);
}

pub fn passedOn(signal: u32) callconv(.c) u32 {
    return hookOf(signal).passed_on.load(.seq_cst);
}

/// Called after the agent's listener is removed. `put_back` 1: with the last listener the runtime
/// has put SIG_DFL there, and what was before it is put back. 2: the same, and the runtime calls no
/// later listener for a signal that came until now.
pub fn unlistened(agent: u32, signal: u32, put_back: u32) callconv(.c) i32 {
    lock.acquire();
    defer lock.release();
    const hook = hookOf(signal);
    const listeners = &hook.locked.listeners;
    if (!agents.removeListener(agent, signal)) return 0;
    debugCheck(listeners.count != 0);
    listeners.count -= 1;
    if (listeners.counter == agent) {
        listeners.counter = agents.nobody;
        // Deno calls a listener once or several times for signals that come fast. Its listener goes
        // only when no further call is expected.
        if (put_back == 0) listeners.calls = hook.passed_on.load(.seq_cst);
    }
    if (listeners.count != 0 or hook.locked.count != 0) return 0;
    const is_given = hook.given_back.swap(false, .seq_cst);
    if (put_back == 0) return if (is_given) putHostBack(hook, signal) else 0;
    const status = putBack(hook, signal, put_back);
    listeners.is_owed = status != 0;
    return @min(status, 0);
}

/// Called before the agent's listener is removed where nobody can tell whether the runtime has
/// others. The runtime's handler returns in place of what was given back: it stays if there are.
pub fn removing(signal: u32) callconv(.c) i32 {
    lock.acquire();
    defer lock.release();
    const hook = hookOf(signal);
    const is_given = hook.locked.count == 0 and hook.given_back.swap(false, .seq_cst);
    return if (is_given) putHostBack(hook, signal) else 0;
}

/// Deno keeps its handler for later listeners: it returns in place of what was given back.
fn putHostBack(hook: *Hook, signal: u32) i32 {
    var displaced: platform.Disposition = undefined;
    const status = platform.swapDisposition(signal, &hook.locked.old, &displaced);
    if (status < 0 or handlers.isTarget(hook, &displaced)) return status;
    return platform.setDisposition(signal, &displaced);
}

/// Returns 1 if our handler is still there, since the kernel has refused to remove it.
fn putBack(hook: *Hook, signal: u32, put_back: u32) i32 {
    const listeners = &hook.locked.listeners;
    const before = &listeners.before;
    var current: platform.Disposition = undefined;
    const status = platform.disposition(signal, &current);
    if (status < 0) return status;
    // Only the handler is compared: Bun changes the flags of one that it finds there.
    const stays = current.handler != null and current.handler != before.handler;
    if (stays) return @intFromBool(stateOf(&current) == .ours);
    if (put_back == 2) listeners.calls = hook.passed_on.load(.seq_cst);
    // The runtime's handler was for a listener that is gone as well: it would take the signal, tell
    // nobody, and keep the default action from happening.
    const runtime = hook.runtime_handler.load(.monotonic);
    if (runtime != 0 and @intFromPtr(before.handler) == runtime & ~old_bits.all) return 0;
    const put = platform.swapDisposition(signal, before, &current);
    // In between another thread has registered a listener: its handler stays.
    const came = current.handler != null and current.handler != before.handler;
    return if (put == 0 and came) platform.setDisposition(signal, &current) else put;
}

/// Other code has installed a handler over ours, and that handler may call ours at any later time.
fn foreignHandlerInstalled(hook: *Hook) void {
    hook.has_foreign_handler.store(true, .seq_cst);
    hook.in_flight.store(0, .seq_cst);
}

/// Puts the old disposition back if our handler is still there: a handler that other code has
/// installed since stays. If the kernel refuses, ours stays and delivers to nobody, until the next
/// Interrupt on that signal goes.
fn restore(signal: u32) void {
    const hook = &hooks[signal];
    const locked = &hook.locked;
    var current: platform.Disposition = undefined;
    // Our handler stays, and we do not see what is installed over it from now on.
    if (platform.disposition(signal, &current) < 0) return foreignHandlerInstalled(hook);
    if (isOurs(hook, &current)) {
        // Once it is back, the kernel calls it. So a handler of ours that still runs must not call
        // a one-shot handler as well.
        if (platform.isOneShot(&locked.old)) {
            const address = handlers.takeOldHandler(hook, hook.old_handler.load(.acquire));
            locked.old.handler = @ptrFromInt(address);
        }
        // Before the old one is back: a signal may be in flight at once after that.
        const has_foreign_handler = hook.has_foreign_handler.load(.monotonic);
        const in_flight: i32 = if (has_foreign_handler) 0 else state.in_flight_max;
        hook.in_flight.store(in_flight, .seq_cst);
        // What was given back stays: the runtime's handler would keep the signal for our listener.
        if (hook.given_back.load(.seq_cst) and handlers.isTarget(hook, &current)) {
            if (locked.listeners.count == 0) hook.given_back.store(false, .seq_cst);
            return;
        }
        if (platform.swapDisposition(signal, &locked.old, &current) < 0) {
            hook.old_handler.store(handlerOf(hook, &locked.old), .release);
            return foreignHandlerInstalled(hook);
        }
        // Another thread has installed its own in between.
        if (!isOurs(hook, &current)) {
            foreignHandlerInstalled(hook);
            _ = platform.setDisposition(signal, &current);
        }
    } else {
        foreignHandlerInstalled(hook);
        // The runtime may take it away with its last listener.
        locked.listeners.before = current;
    }
    hook.ignored.store(false, .seq_cst);
}

fn rearmLocked(signal: u32) i32 {
    const hook = &hooks[signal];
    if (hook.locked.count == 0 or !hook.ignored.swap(false, .seq_cst)) return 0;
    var displaced: platform.Disposition = undefined;
    const status = putIn(signal, &displaced);
    if (status < 0) {
        hook.ignored.store(true, .seq_cst);
        return status;
    }
    // Other code has installed its handler in between. If it cannot be put back now, it is put back
    // when the last Interrupt goes.
    const is_foreign = stateOf(&displaced) == .foreign;
    const back = if (is_foreign) platform.setDisposition(signal, &displaced) else 0;
    if (back < 0) keep(hook, &displaced, .{});
    return back;
}

// Only the tests use it: the subscribers that they add are records.
const records = @import("../record.zig");

test {
    _ = handlers;
    _ = subscribers;
}

test "subscribers that come and go while handlers ignore the signal keep the old disposition" {
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
    try std.testing.expectEqual(.foreign, stateOf(&current));
}

test "while a handler is about to make the kernel ignore the signal, no subscriber comes" {
    const signal = @backingInt(std.os.linux.SIG.USR2);
    const hook = &hooks[signal];
    const Comer = struct {
        var came: std.atomic.Value(bool) = .init(false);

        fn run() void {
            invariant(add(signal, 2, option_hysteresis) == 0);
            came.store(true, .seq_cst);
        }
    };
    try std.testing.expectEqual(0, add(signal, 1, option_hysteresis));
    _ = hook.ignoring.fetchAdd(1, .seq_cst);
    const comer = try std.Thread.spawn(.{}, Comer.run, .{});
    while (hook.hysteresis.load(.seq_cst) and !Comer.came.load(.seq_cst)) platform.yield();
    // If it did not wait, it would have come by the last of these.
    for (0..1000) |_| platform.yield();
    const waits = !Comer.came.load(.seq_cst);
    _ = hook.ignoring.fetchSub(1, .seq_cst);
    comer.join();
    try std.testing.expect(waits);
    try std.testing.expectEqual(2, hook.locked.count);
    for ([_]u64{ 1, 2 }) |arg| remove(signal, arg, option_hysteresis);
}

/// A handler of foreign code.
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

/// The kernel has chosen our handler, and the thread has not reached its first instruction when the
/// subscriber goes.
fn inFlightHandler(signal: i32, info: ?*const anyopaque, context: ?*anyopaque) callconv(.c) void {
    invariant(platform.setDisposition(@intCast(signal), &platform.ours(&handler)) == 0);
    remove(@intCast(signal), 1, 0);
    return @call(.always_tail, handler, .{ signal, info, context });
}

fn raise(signal: u32) void {
    _ = std.os.linux.kill(std.os.linux.getpid(), @fromBackingInt(signal));
}

fn raiseHere(signal: u32) void {
    _ = std.os.linux.tgkill(std.os.linux.getpid(), std.os.linux.gettid(), @fromBackingInt(signal));
}

/// A record that is subscribed.
const Subscriber = struct {
    slot: u32,
    signal: u32,
    options: u32,

    fn open(agent: u32, signal: u32, options: u32) !Subscriber {
        const slot = records.open(agent, 0).?;
        try std.testing.expectEqual(0, add(signal, records.token(slot), options));
        return .{ .slot = slot, .signal = signal, .options = options };
    }

    fn close(subscriber: Subscriber) void {
        remove(subscriber.signal, records.token(subscriber.slot), subscriber.options);
        records.retire(subscriber.slot);
        records.release(subscriber.slot);
    }

    fn pending(subscriber: Subscriber) *std.atomic.Value(i32) {
        return records.get(subscriber.slot).pending();
    }
};

test "a signal in flight when the last subscriber goes reaches the old handler" {
    const signal = @backingInt(std.os.linux.SIG.USR2);
    defer _ = platform.setDisposition(signal, &std.mem.zeroes(platform.Disposition));
    try Foreign.install(signal);
    Foreign.calls = 0;
    for (0..3) |round| {
        try std.testing.expectEqual(0, add(signal, 1, 0));
        const in_flight = platform.ours(&inFlightHandler);
        try std.testing.expectEqual(0, platform.setDisposition(signal, &in_flight));
        raise(signal);
        try std.testing.expectEqual(round + 1, Foreign.calls);
        const SI_USER = 0;
        try std.testing.expectEqual(SI_USER, Foreign.code);
    }
}

test "a foreign handler that was installed over ours, and calls it, is not called by it" {
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
    const agent = agents.open().?;
    defer agents.close(agent);
    const subscriber = try Subscriber.open(agent, signal, option_chain);
    Foreign.calls = 0;
    for (1..4) |round| {
        raise(signal);
        try std.testing.expectEqual(round, Foreign.calls);
    }
    subscriber.close();
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
    (try Subscriber.open(agent, signal, option_chain)).close();
}

test "every signal reaches the earlier handler while Interrupts that chain come and go" {
    const signal = @backingInt(std.os.linux.SIG.USR2);
    defer _ = platform.setDisposition(signal, &std.mem.zeroes(platform.Disposition));
    try Foreign.install(signal);
    Foreign.calls = 0;
    const agent = agents.open().?;
    defer agents.close(agent);
    var raiser: Raiser = .{ .signal = signal };
    const thread = try std.Thread.spawn(.{}, Raiser.run, .{&raiser});
    for (0..2_000_000) |_| try comeAndGo(agent, signal);
    raiser.over.store(true, .monotonic);
    thread.join();
    try std.testing.expectEqual(raiser.raised.load(.monotonic), Foreign.calls);
}

/// A signal that no other test uses: `has_foreign_handler` stays true for the life of the process.
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
    const agent = agents.open().?;
    defer agents.close(agent);
    const subscriber = try Subscriber.open(agent, signal, option_chain);
    var threads: [Waiting.everyone]std.Thread = undefined;
    for (&threads) |*thread| thread.* = try std.Thread.spawn(.{}, Waiting.run, .{});
    for (threads) |thread| thread.join();
    try std.testing.expectEqual(Waiting.everyone, Waiting.inside.load(.seq_cst));
    subscriber.close();
}

test "an earlier handler that never returns, or interrupts itself, takes no signal from others" {
    const signal = unused;
    defer _ = platform.setDisposition(signal, &std.mem.zeroes(platform.Disposition));
    const Odd = struct {
        var calls: i32 = 0;
        var pending: *std.atomic.Value(i32) = undefined;
        var delivered: i32 = 0;
        var what: enum { ends_thread, comes_again, returns } = .ends_thread;

        fn entry(_: i32, _: ?*const anyopaque, _: ?*anyopaque) callconv(.c) void {
            calls += 1;
            delivered += @intFromBool(pending.swap(0, .seq_cst) == signal);
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
    const agent = agents.open().?;
    defer agents.close(agent);
    const subscriber = try Subscriber.open(agent, signal, option_chain);
    Odd.pending = subscriber.pending();
    const threads = 100;
    for (0..threads) |_| (try std.Thread.spawn(.{}, Odd.run, .{})).join();
    try std.testing.expectEqual([_]i32{ threads, threads }, [_]i32{ Odd.calls, Odd.delivered });
    Odd.what = .comes_again;
    Odd.run();
    const expected = [_]i32{ threads + 2, threads + 2 };
    try std.testing.expectEqual(expected, [_]i32{ Odd.calls, Odd.delivered });
    subscriber.close();
}

test "a one-shot handler is called once, also when it is put back while a subscriber chains" {
    const signal = @backingInt(std.os.linux.SIG.WINCH);
    defer _ = platform.setDisposition(signal, &std.mem.zeroes(platform.Disposition));
    const agent = agents.open().?;
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
        // After two more signals a handler that ran during the change has returned.
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
    const agent = agents.open().?;
    defer agents.close(agent);
    try std.testing.expectEqual(0, listening(agent, signal));
    try Foreign.install(signal);
    try std.testing.expectEqual(0, listened(signal));
    Foreign.calls = 0;
    const subscriber = try Subscriber.open(agent, signal, option_listened);
    raise(signal);
    try std.testing.expectEqual(1, Foreign.calls);
    subscriber.close();
    try std.testing.expectEqual(0, unlistened(agent, signal, 1));
}

test "a signal that comes before ours is in reaches the Interrupt, and none that another got" {
    const signal = @backingInt(std.os.linux.SIG.IO);
    const agent = agents.open().?;
    defer agents.close(agent);
    const Scene = struct {
        fn open(which: u32) !Subscriber {
            try std.testing.expectEqual(0, listening(which, signal));
            // What the runtime does.
            try Foreign.install(signal);
            try std.testing.expectEqual(0, listened(signal));
            return Subscriber.open(which, signal, option_listened);
        }

        fn close(which: u32, subscriber: Subscriber) !void {
            subscriber.close();
            const default = std.mem.zeroes(platform.Disposition);
            try std.testing.expectEqual(0, platform.setDisposition(signal, &default));
            try std.testing.expectEqual(0, unlistened(which, signal, 1));
        }

        fn take(subscriber: Subscriber) i32 {
            return subscriber.pending().swap(0, .seq_cst);
        }
    };
    var subscriber = try Scene.open(agent);
    // The runtime calls its listener, and ours has passed nothing on.
    listenerCalled(agent, signal);
    try std.testing.expectEqual(@as(i32, @intCast(signal)), Scene.take(subscriber));
    raiseHere(signal);
    try std.testing.expectEqual(@as(i32, @intCast(signal)), Scene.take(subscriber));
    try Scene.close(agent, subscriber);
    subscriber = try Scene.open(agent);
    // This call is for the signal that the Interrupt before has got.
    listenerCalled(agent, signal);
    try std.testing.expectEqual(0, Scene.take(subscriber));
    try Scene.close(agent, subscriber);
    subscriber = try Scene.open(agent);
    listenerCalled(agent, signal);
    try std.testing.expectEqual(@as(i32, @intCast(signal)), Scene.take(subscriber));
    for (0..2) |_| raiseHere(signal);
    try std.testing.expectEqual(@as(i32, @intCast(signal)), Scene.take(subscriber));
    // The first call is for either of the two, or for both.
    listenerCalled(agent, signal);
    subscriber.close();
    subscriber = try Subscriber.open(agent, signal, option_listened);
    listenerCalled(agent, signal);
    try std.testing.expectEqual(0, Scene.take(subscriber));
    try Scene.close(agent, subscriber);
}

test "when its subscriber is woken, a signal counts as one that is passed on soon" {
    const signal = @backingInt(std.os.linux.SIG.USR2);
    defer _ = platform.setDisposition(signal, &std.mem.zeroes(platform.Disposition));
    const Waker = struct {
        var then: [2]u32 = undefined;

        fn counts() [2]u32 {
            return .{ passedOn(signal), passedOn(0) };
        }

        fn wake(_: *anyopaque) callconv(.c) c_int {
            then = counts();
            return 0;
        }
    };
    const agent = agents.open().?;
    agents.setWakeFunction(agent, &Waker.wake, &Waker.then);
    for ([_]u32{ option_listened, 0 }, [_]u32{ 1, 0 }) |options, passed| {
        if (passed != 0) try std.testing.expectEqual(0, listening(agent, signal));
        try Foreign.install(signal);
        const slot = records.open(agent, records.flag_wake).?;
        const subscriber: Subscriber = .{ .slot = slot, .signal = signal, .options = options };
        try std.testing.expectEqual(0, add(signal, records.token(slot), options));
        const before = passedOn(signal);
        raiseHere(signal);
        try std.testing.expectEqual([2]u32{ before, 1 }, Waker.then);
        try std.testing.expectEqual([2]u32{ before + passed, 0 }, Waker.counts());
        subscriber.close();
        if (passed != 0) try std.testing.expectEqual(0, unlistened(agent, signal, 1));
        agents.get(agent).attention().store(0, .seq_cst);
    }
    agents.close(agent);
    agents.releaseWakeFunction(agent);
}

test "with once the first signal is delivered, and the second does what it did before" {
    const signal = unused;
    defer _ = platform.setDisposition(signal, &std.mem.zeroes(platform.Disposition));
    try Foreign.install(signal);
    const agent = agents.open().?;
    defer agents.close(agent);
    const first = try Subscriber.open(agent, signal, option_once);
    const second = try Subscriber.open(agent, signal, option_once | option_hysteresis);
    Foreign.calls = 0;
    for (0..3) |before| {
        raiseHere(signal);
        try std.testing.expectEqual(before, Foreign.calls);
    }
    // A third one stays: the others have had theirs.
    const third = try Subscriber.open(agent, signal, 0);
    for ([_]Subscriber{ first, second }) |spent| {
        try std.testing.expectEqual(signal, spent.pending().swap(0, .seq_cst));
    }
    for (0..2) |_| {
        raiseHere(signal);
        try std.testing.expectEqual(signal, third.pending().swap(0, .seq_cst));
    }
    try std.testing.expectEqual(2, Foreign.calls);
    for ([_]Subscriber{ third, first, second }) |subscriber| subscriber.close();
    raiseHere(signal);
    try std.testing.expectEqual(3, Foreign.calls);
    for ([_]Subscriber{ first, second, third }) |subscriber| {
        try std.testing.expectEqual(0, subscriber.pending().load(.seq_cst));
    }
}
