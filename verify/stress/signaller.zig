//! Threads that signal Interrupts, by their tokens and by real signals, whether those still live
//! or not.
const std = @import("std");
const library = @import("async_interrupt");
const ledger = @import("ledger.zig");
const system = @import("system.zig");
const watchdog = @import("watchdog.zig");

pub const Raises = struct {
    count: std.atomic.Value(u64) = .init(0),
    /// Raised while an Interrupt hooked the signal, which then was called or closed.
    awaited: std.atomic.Value(u64) = .init(0),
};

pub var raises: Raises = .{};
/// Kernel's numbers of the threads, by lane: whom to raise signals at.
var threads: [ledger.lanes]std.atomic.Value(i32) = @splat(.init(0));

/// The calling thread takes signals.
pub fn open(lane: usize) void {
    threads[lane].store(std.os.linux.gettid(), .monotonic);
    system.openToSignals();
}

/// As many sends as one round has.
pub fn run(lane: usize, seed: u64) void {
    var prng: std.Random.DefaultPrng = .init(seed);
    const random = prng.random();
    while (!ledger.isFull(lane)) switch (random.uintLessThan(u32, 16)) {
        0...5 => {
            const account = ledger.choose(random) orelse continue;
            for (0..random.uintLessThan(usize, 64)) |_| _ = send(lane, account);
        },
        6...11 => for (0..random.uintLessThan(usize, 64)) |_| {
            _ = send(lane, ledger.choose(random) orelse continue);
        },
        12...13 => {
            const account = ledger.choose(random) orelse continue;
            const since = send(lane, account) orelse continue;
            watchdog.note(lane, .@"waits for the callback of what it sent");
            awaitCallback(account, since);
        },
        14 => {
            const account = ledger.choose(random) orelse continue;
            library.event_pipe.signal(ledger.get(account).pipe.load(.monotonic));
        },
        else => raiseSome(lane, random),
    };
    watchdog.note(lane, .parked);
}

/// When it began, if it was accepted.
fn send(lane: usize, account: u32) ?u64 {
    if (ledger.isFull(lane)) return null;
    const token = ledger.get(account).token.load(.monotonic);
    if (token == 0) return null;
    watchdog.note(lane, .signals);
    const sent = ledger.send(lane, account);
    const status = library.record.signalChecked(token, sent.value);
    if (status != 0 and status != 1) {
        watchdog.fail("a token that was given is answered with {d}", .{status});
    }
    sent.end(status == 1);
    return if (status == 1) sent.begun() else null;
}

/// A callback begins after each accepted signal, unless the Interrupt ends.
fn awaitCallback(account: u32, since: u64) void {
    const entry = ledger.get(account);
    while (entry.called.load(.acquire) <= since and entry.end.load(.acquire) == .open) {
        std.Thread.yield() catch {};
    }
}

pub fn raise(target: system.Target, index: usize) void {
    system.raise(target, system.signals[index]);
    _ = raises.count.fetchAdd(1, .monotonic);
}

fn raiseSome(lane: usize, random: std.Random) void {
    const thread = &threads[random.uintLessThan(usize, ledger.lanes)];
    const target: system.Target = .{ .thread = thread.load(.monotonic) };
    if (target.thread != 0) system.raise(target, system.preempts);
    const account = ledger.choose(random) orelse return;
    // Read before the signal is raised: it hooks it already.
    const hooked = ledger.get(account).hooked.load(.acquire);
    watchdog.note(lane, .raises);
    if (hooked < 0 or random.boolean()) {
        if (target.thread == 0) return;
        for (0..random.uintLessThan(u32, 8)) |_| {
            raise(target, random.uintLessThan(usize, system.signals.len));
        }
        return;
    }
    const since = system.now();
    raise(if (random.boolean()) .self else .process, @intCast(hooked));
    watchdog.note(lane, .@"waits for the callback of a signal it raised");
    awaitCallback(account, since);
    _ = raises.awaited.fetchAdd(1, .monotonic);
}
