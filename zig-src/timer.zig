//! Timers: one thread for all of them signals each record whose time has come. It is one more
//! sender, like any thread that calls `signalFunc()`, and so the protocol is not concerned.
//!
//! The thread starts with the first timer and ends `linger_ns` after the last, so that starting and
//! stopping timers often does not make a thread each time.
//!
//! The child of a fork(2) has no such thread, and may have a copy of the lock that is held for
//! ever. It takes that lock nowhere: only JavaScript starts timers and closes records, and none
//! runs in the child.
const std = @import("std");
const debugCheck = @import("invariant.zig").debugCheck;
const invariant = @import("invariant.zig").invariant;
const platform = @import("platform.zig");
const records = @import("record.zig");
const slabs = @import("slab.zig");
const Lock = @import("lock.zig").Lock;
const Status = @import("status.zig").Status;
const agents = @import("agent.zig");

const linger_ns = std.time.ns_per_s;

/// In /proc and in debuggers, at most 15 bytes.
const thread_name = "async-interrupt";

const Timer = struct {
    deadline_ns: u64,
    period_ns: u64,
    token: slabs.Token,

    /// The same timer with its next deadline: the first multiple of the period that is not over.
    /// What was missed is not made up for, and a late tick makes no later one late.
    fn after(timer: Timer, now: u64) Timer {
        const periods = (now - timer.deadline_ns) / timer.period_ns + 1;
        var next = timer;
        next.deadline_ns += periods * timer.period_ns;
        return next;
    }
};

/// For all below. JavaScript threads take it, and the timers' thread, which never holds it while it
/// signals: a thread that closes a record waits for the senders inside, and may hold other locks.
var lock: Lock = .{};
/// A binary heap, the next deadline first. Each record knows its place, so that its timer can be
/// taken out again.
var heap: []Timer = &.{};
var count: u32 = 0;
var thread_lives = false;
/// When the thread looks next by itself; 0 while it does not sleep. Waking it takes longer than all
/// else, so that is done only for what comes earlier.
var sleeps_until_ns: u64 = 0;
/// What the thread waits for. It counts up when the thread has something else to do next.
var changes: std.atomic.Value(u32) = .init(0);

/// For a record that has no timer.
pub fn start(slot: u32, period_ns: u64) callconv(.c) i32 {
    // The thread divides by it.
    invariant(period_ns != 0);
    const record = records.get(slot);
    debugCheck(record.timer.load(.monotonic) == 0);
    var now: u64 = undefined;
    const status = platform.now(&now);
    if (status < 0) return status;
    lock.acquire();
    defer lock.release();
    if (count == heap.len and !grow()) return Status.full.code();
    if (!thread_lives) {
        // It waits for the lock first.
        const started = platform.startThread(&run);
        if (started < 0) return started;
        thread_lives = true;
    }
    count += 1;
    settle(count - 1, .{
        .deadline_ns = now + period_ns,
        .period_ns = period_ns,
        .token = @bitCast(records.token(slot)),
    });
    if (now + period_ns < sleeps_until_ns) announce();
    return 0;
}

/// For a record that is about to be closed. Does nothing if it has no timer. The thread may still
/// be about to signal it: `Slab.retire()` waits for that.
pub fn stop(slot: u32) void {
    const record = records.get(slot);
    // Whether it has one only the caller changes; which place it has, others may.
    if (record.timer.load(.monotonic) == 0) return;
    lock.acquire();
    defer lock.release();
    const place = record.timer.swap(0, .monotonic) - 1;
    const started_ns = heap[place].deadline_ns - heap[place].period_ns;
    count -= 1;
    if (place < count) settle(place, heap[count]);
    // The thread finds out when it looks next. But it is to end, and that may be days ahead.
    if (count == 0 and sleeps_until_ns > started_ns + linger_ns) announce();
}

/// The caller holds the lock.
fn announce() void {
    _ = changes.fetchAdd(1, .monotonic);
    platform.announceChange(&changes);
}

/// The caller holds the lock. The old mapping stays, as all mappings do; together they are smaller
/// than the new one.
fn grow() bool {
    const size = @max(std.heap.page_size_min, 2 * heap.len * @sizeOf(Timer));
    const memory = platform.map(size) orelse return false;
    const larger: [*]Timer = @ptrCast(memory);
    for (larger, heap) |*to, timer| to.* = timer;
    heap = larger[0 .. size / @sizeOf(Timer)];
    return true;
}

/// Puts a timer into the heap, where `free` is the one place that has none. The caller holds the
/// lock.
fn settle(free: u32, timer: Timer) void {
    var place = free;
    while (place > 0) {
        const parent = (place - 1) / 2;
        if (heap[parent].deadline_ns <= timer.deadline_ns) break;
        put(place, heap[parent]);
        place = parent;
    }
    while (true) {
        var child = 2 * place + 1;
        if (child >= count) break;
        if (child + 1 < count and heap[child + 1].deadline_ns < heap[child].deadline_ns) child += 1;
        if (timer.deadline_ns <= heap[child].deadline_ns) break;
        put(place, heap[child]);
        place = child;
    }
    put(place, timer);
}

fn put(place: u32, timer: Timer) void {
    heap[place] = timer;
    records.get(timer.token.slot).timer.store(place + 1, .monotonic);
}

fn run(_: ?*anyopaque) callconv(.c) ?*anyopaque {
    platform.beTimer(thread_name);
    var now = platform.clock();
    // When the thread ends, while there is no timer.
    var end_ns: ?u64 = null;
    while (true) {
        lock.acquire();
        sleeps_until_ns = 0;
        if (count > 0) {
            end_ns = null;
            const timer = heap[0];
            if (timer.deadline_ns <= now) {
                settle(0, timer.after(now));
                lock.release();
                // Stale: it was stopped, and its record closed, since the lock was released.
                _ = records.send(timer.token, 1);
                // Not a new `now`: it would be a system call for each of a thousand timers. All
                // that are due by this one come first; each of them once, so none starves another.
                continue;
            }
        } else if (end_ns == null) {
            end_ns = now + linger_ns;
        } else if (end_ns.? <= now) {
            thread_lives = false;
            lock.release();
            return null;
        }
        const until = end_ns orelse heap[0].deadline_ns;
        sleeps_until_ns = until;
        const seen = changes.load(.monotonic);
        lock.release();
        platform.awaitChange(&changes, seen, until);
        now = platform.clock();
    }
}

test "the next deadline is a multiple of the period, and not over" {
    const timer: Timer = .{ .deadline_ns = 1000, .period_ns = 100, .token = @bitCast(@as(u64, 0)) };
    for ([_][2]u64{ .{ 1000, 1100 }, .{ 1099, 1100 }, .{ 1100, 1200 }, .{ 5050, 5100 } }) |case| {
        try std.testing.expectEqual(case[1], timer.after(case[0]).deadline_ns);
    }
}

/// Every timer stands no later than those below it, and its record knows its place.
fn expectHeap() !void {
    lock.acquire();
    defer lock.release();
    for (heap[0..count], 0..) |timer, place| {
        const above = heap[(place -| 1) / 2];
        try std.testing.expect(above.deadline_ns <= timer.deadline_ns);
        const record = records.get(timer.token.slot);
        try std.testing.expectEqual(place + 1, record.timer.load(.monotonic));
    }
}

test "timers start and stop in any order, and the heap stays one" {
    const agent = agents.open().?;
    defer agents.close(agent);
    var random: std.Random.DefaultPrng = .init(std.testing.random_seed);
    var slots: [1000]?u32 = @splat(null);
    var open: u32 = 0;
    for (0..20_000) |_| {
        const slot = &slots[random.random().uintLessThan(usize, slots.len)];
        if (slot.*) |it| {
            stop(it);
            records.retire(it);
            try std.testing.expectEqual(0, records.get(it).timer.load(.monotonic));
            records.release(it);
            slot.* = null;
            open -= 1;
        } else {
            slot.* = records.open(agent, 0).?;
            const period = 1 + random.random().uintLessThan(u64, std.time.ns_per_s);
            try std.testing.expectEqual(0, start(slot.*.?, period));
            open += 1;
        }
        try std.testing.expectEqual(open, count);
        if (random.random().uintLessThan(u32, 200) == 0) try expectHeap();
    }
    try expectHeap();
    for (slots) |slot| if (slot) |it| {
        stop(it);
        records.retire(it);
        records.release(it);
    };
}

test "a timer signals its record until it stops" {
    const agent = agents.open().?;
    defer agents.close(agent);
    const slot = records.open(agent, 0).?;
    try std.testing.expectEqual(0, start(slot, 50 * std.time.ns_per_us));
    for (0..100) |_| {
        while (records.get(slot).pending().swap(0, .seq_cst) == 0) std.Thread.yield() catch {};
    }
    stop(slot);
    try std.testing.expectEqual(0, count);
    records.retire(slot);
    records.release(slot);
}

test "the thread ends after the last timer, and comes again with the next" {
    const agent = agents.open().?;
    defer agents.close(agent);
    for (0..2) |_| {
        const slot = records.open(agent, 0).?;
        // Days ahead: the thread is not to wait for it.
        try std.testing.expectEqual(0, start(slot, 1 << 50));
        stop(slot);
        records.retire(slot);
        records.release(slot);
        lock.awaitFalse(&thread_lives);
    }
}
