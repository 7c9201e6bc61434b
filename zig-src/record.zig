//! A record: the native state of one Interrupt. `signal` is the one function that other threads and
//! signal handlers call.
const std = @import("std");
const debugCheck = @import("invariant.zig").debugCheck;
const invariant = @import("invariant.zig").invariant;
const agents = @import("agent.zig");
const event_pipe = @import("event_pipe.zig");
const platform = @import("platform.zig");
const slabs = @import("slab.zig");
const Status = @import("status.zig").Status;

/// JavaScript reads the first words through a view: `ffi/symbols.ts` has their indices.
pub const Record = extern struct {
    /// `head.word` is the pending value, 0 for none. It and the tag are one 64-bit word, so that
    /// send() checks the generation and stores its value in one compare-and-swap: a late signal
    /// cannot reach the slot's next owner.
    head: slabs.Head,
    /// Nesting depth; only the owner's thread touches it.
    blocked: i32,
    flags: std.atomic.Value(u32),
    /// The agent's list of records that became pending.
    next: std.atomic.Value(u32),
    listed: std.atomic.Value(u32),
    agent: std.atomic.Value(u32),
    pipe: std.atomic.Value(u64),
    signal: u32,
    hook_options: u32,
    /// Its place among the timers, counted from 1; 0 for none. timer.zig owns it.
    timer: std.atomic.Value(u32),
    padding: [3]u32,

    pub fn pending(record: *Record) *std.atomic.Value(i32) {
        return &record.head.word;
    }

    fn word(record: *Record) *std.atomic.Value(u64) {
        comptime std.debug.assert(@offsetOf(Record, "head") == 0);
        comptime std.debug.assert(@offsetOf(slabs.Head, "tag") == 4);
        return @ptrCast(@alignCast(&record.head));
    }
};

comptime {
    std.debug.assert(@sizeOf(Record) == slabs.slot_size);
    std.debug.assert(@import("builtin").cpu.arch.endian() == .little);
}

pub const flag_wake = 1;
/// We drain the pipe before the callback, so a signal writes it before it lists the record. In the
/// other order a scan could find the record and drain, and the write that comes after that would
/// leave the pipe readable with nothing pending: a loop that watches it would spin.
pub const flag_pipe = 2;
/// The loop that watches the pipe drains it and then checks the Interrupt, so a signal writes it
/// after it has listed the record. In the other order the loop could drain, find nothing listed,
/// and wait with the record pending.
pub const flag_pipe_last = 4;
const pipe_flags = flag_pipe | flag_pipe_last;
/// While it is pending and not blocked, native code of its agent's thread that asks shall stop.
pub const flag_stops = 8;
/// Native code has asked, and was told to stop.
const flag_stopped = 16;
/// The thread of sqlite.zig wants to know when it becomes pending.
const flag_watched = 32;

const Word = packed struct(u64) {
    pending: i32,
    tag: slabs.Tag,
};

pub var slab: slabs.Slab = .{};

pub fn get(slot: u32) *Record {
    return of(slab.get(slot));
}

fn of(head: *slabs.Head) *Record {
    return @alignCast(@fieldParentPtr("head", head));
}

/// null: there is no slot.
pub fn open(agent: u32, flags: u32) ?u32 {
    debugCheck(agents.slab.lives(agent));
    const slot = slab.open() orelse return null;
    const record = get(slot);
    record.pending().store(0, .monotonic);
    debugCheck(record.listed.load(.monotonic) == 0);
    record.blocked = 0;
    record.flags.store(flags, .monotonic);
    record.signal = 0;
    record.pipe.store(0, .monotonic);
    record.hook_options = 0;
    record.agent.store(agent, .monotonic);
    slab.publish(slot);
    return slot;
}

pub fn openToken(agent: u32, flags: u32) callconv(.c) u64 {
    return token(open(agent, flags) orelse return Status.full.asToken());
}

pub fn address(slot: u32) callconv(.c) u64 {
    return @intFromPtr(get(slot));
}

pub fn token(slot: u32) u64 {
    return @bitCast(slab.token(slot));
}

const Sent = enum { sent, stale };

/// Any thread and any signal handler may call it. It tries again only if another signal, or the
/// thread that takes the value, has changed the word in between.
pub fn send(target: slabs.Token, value: i32) Sent {
    const record = of(slab.find(target.slot) orelse return .stale);
    var old = record.word().load(.monotonic);
    while (true) {
        var new: Word = @bitCast(old);
        if (!target.names(new.tag)) return .stale;
        const was_idle = new.pending == 0;
        new.pending = if (value == 0) 1 else value;
        if (was_idle) {
            // One more would wrap to 0: retire() would not wait for this caller.
            invariant(new.tag.busy != std.math.maxInt(u12));
            new.tag.busy += 1;
        }
        // A read-modify-write even where the word stays the same: it publishes what the caller
        // wrote before.
        old = record.word().cmpxchgWeak(old, @bitCast(new), .seq_cst, .monotonic) orelse {
            if (!was_idle) return .sent;
            break;
        };
    }
    announce(target.slot, record);
    slab.leave(&record.head);
    return .sent;
}

fn announce(slot: u32, record: *Record) void {
    const agent = agents.get(record.agent.load(.monotonic));
    writePipe(record, flag_pipe);
    list(agent, slot, record);
    // Read the flag after the listing. In the other order the owner could set it in between, find
    // the record listed and the list still empty, and wait for a wake that nobody sends.
    const flags = record.flags.load(.seq_cst);
    agents.notify(agent, flags & flag_wake != 0);
    if (flags & (flag_stops | flag_watched) != 0) wakeWatcher();
    writePipe(record, flag_pipe_last);
}

/// A signaller that finds the record listed pushes nothing: the signaller that has marked it does,
/// and sets the attention bit after its push. It swaps all the same: JavaScript, which unlists the
/// record and then reads its value without an order, has read this swap then, and sees the value.
fn list(agent: *agents.Agent, slot: u32, record: *Record) void {
    if (record.listed.swap(1, .seq_cst) == 0) push(agent, slot, record);
}

fn push(agent: *agents.Agent, slot: u32, record: *Record) void {
    var head = agent.list.load(.monotonic);
    while (true) {
        record.next.store(head, .monotonic);
        head = agent.list.cmpxchgWeak(head, slot, .seq_cst, .monotonic) orelse break;
    }
}

fn writePipe(record: *Record, flag: u32) void {
    if (record.flags.load(.seq_cst) & flag != 0) event_pipe.signal(record.pipe.load(.acquire));
}

/// The public signal function, `void (*)(void *arg, int value)`.
pub fn signal(arg: u64, value: i32) callconv(.c) void {
    _ = send(@bitCast(arg), value);
}

/// Returns 1 if it has signalled, 0 if the Interrupt is closed, and a status if this `arg` was
/// never given out.
pub fn signalChecked(arg: u64, value: i32) callconv(.c) i32 {
    const target: slabs.Token = @bitCast(arg);
    const record = of(slab.find(target.slot) orelse return Status.forged.code());
    const current: slabs.Tag = @bitCast(record.head.tag.load(.seq_cst));
    // The slot has used up its generations: each of them was given to some record.
    const is_spent = current.generation == 0;
    const was_given = target.zero == 0 and target.generation % 2 == 1 and
        (is_spent or target.generation <= current.generation);
    if (!was_given) return Status.forged.code();
    return if (send(target, value) == .sent) 1 else 0;
}

/// Makes the next scan look at this record, which is pending although no new signal comes.
pub fn renotify(slot: u32) callconv(.c) void {
    announce(slot, get(slot));
}

/// `int (*)(void *arg)`: exactly 1 while a value is pending, blocked or not, else 0; 0 for ever
/// after close. Any thread and any signal handler. What the caller reads after a 1 is at least as
/// new as what the signaller wrote before.
pub fn poll(arg: u64) callconv(.c) i32 {
    const target: slabs.Token = @bitCast(arg);
    const record = of(slab.find(target.slot) orelse return 0);
    // Value and generation in one read: after a close the slot may serve another record.
    const word: Word = @bitCast(record.word().load(.acquire));
    return @intFromBool(target.names(word.tag) and word.pending != 0);
}

/// What the thread of sqlite.zig waits for: it changes when the thread has something to do. Even
/// until there was such a thread.
pub var watcher: std.atomic.Value(u32) = .init(0);

/// Any thread and any signal handler.
pub fn wakeWatcher() void {
    if (watcher.load(.seq_cst) % 2 == 0) return;
    _ = watcher.fetchAdd(2, .seq_cst);
    platform.announceChange(&watcher);
}

/// Makes signals of this Interrupt wake that thread.
pub fn setWatched(arg: u64) void {
    const record = of(slab.enter(@bitCast(arg)) orelse return);
    defer slab.leave(&record.head);
    _ = record.flags.fetchOr(flag_watched, .seq_cst);
}

/// Whether native code that asks for this Interrupt shall stop: it is pending, and not blocked.
pub fn stops(arg: u64) bool {
    const target: slabs.Token = @bitCast(arg);
    return poll(arg) != 0 and !isBlocked(get(target.slot));
}

/// Whether native code of this agent's thread shall stop: a record with `flag_stops` is pending,
/// and not blocked. Only that thread takes records off the list. Another thread that walks it here
/// may be led astray, to an answer that was right a moment ago.
pub fn anyStops(agent: *agents.Agent) bool {
    var slot = agent.list.load(.acquire);
    while (slot != 0) {
        const record = get(slot);
        slot = record.next.load(.monotonic);
        if (record.flags.load(.monotonic) & flag_stops == 0) continue;
        if (record.pending().load(.acquire) == 0 or isBlocked(record)) continue;
        _ = record.flags.fetchOr(flag_stopped, .monotonic);
        return true;
    }
    return false;
}

/// Whether anyStops() was ever true for this record.
pub fn hasStopped(slot: u32) callconv(.c) u32 {
    return @intFromBool(get(slot).flags.load(.monotonic) & flag_stopped != 0);
}

fn isBlocked(record: *Record) bool {
    return @atomicLoad(i32, &record.blocked, .monotonic) != 0;
}

/// `void (*)(void *arg)` for native code on the owner's thread.
pub fn block(arg: u64) callconv(.c) void {
    const record = of(slab.enter(@bitCast(arg)) orelse return);
    defer slab.leave(&record.head);
    record.blocked += 1;
}

pub fn unblock(arg: u64) callconv(.c) void {
    const target: slabs.Token = @bitCast(arg);
    const record = of(slab.enter(target) orelse return);
    defer slab.leave(&record.head);
    // One call too many must not make it negative: the record would stay blocked for ever.
    if (record.blocked == 0) return;
    record.blocked -= 1;
    if (record.blocked == 0 and record.pending().load(.seq_cst) != 0) announce(target.slot, record);
}

/// Sets the EventPipe to write to, by its token: a pipe that is closed by then is skipped.
pub fn setPipe(slot: u32, pipe: u64) callconv(.c) void {
    get(slot).pipe.store(pipe, .release);
}

/// On: if the record is pending it writes to its pipe at once, so that the watcher does not miss
/// it. Off: returns after the last write to the pipe.
pub fn setFlag(slot: u32, flag: u32, on: u32) callconv(.c) void {
    const record = get(slot);
    if (on == 0) {
        _ = record.flags.fetchAnd(~flag, .seq_cst);
        // One wake too many does no harm, so do not wait for the thread that sends it: it may
        // itself be waiting for this processor.
        if (flag & pipe_flags != 0) slab.awaitIdle(slot);
        return;
    }
    _ = record.flags.fetchOr(flag, .seq_cst);
    if (record.pending().load(.seq_cst) != 0) writePipe(record, flag & pipe_flags);
}

/// First half of closing: from here on nobody signals the record. Its pending value stays, for the
/// owner to take. signal/subscription.zig ends the subscription to a POSIX signal before.
pub fn retire(slot: u32) void {
    const record = get(slot);
    debugCheck(record.signal == 0);
    slab.retire(slot);
    unlist(agents.get(record.agent.load(.monotonic)), slot);
}

/// Takes a retired record off the list, on the thread of its agent: no other may walk the list.
/// Nobody lists the record again.
fn unlist(agent: *agents.Agent, slot: u32) void {
    const record = get(slot);
    if (record.listed.load(.seq_cst) == 0) return;
    var next = agent.list.swap(0, .seq_cst);
    while (next != 0) {
        const current = next;
        const item = get(current);
        next = item.next.load(.monotonic);
        if (current != slot) push(agent, current, item);
    }
    record.listed.store(0, .seq_cst);
}

/// Second half: the slot may serve another.
pub fn release(slot: u32) callconv(.c) void {
    const record = get(slot);
    debugCheck(record.signal == 0);
    record.agent.store(agents.nobody, .monotonic);
    slab.release(slot);
}

fn close(slot: u32) void {
    retire(slot);
    release(slot);
}

test "a late signal is refused for ever" {
    const agent = agents.open().?;
    defer agents.close(agent);
    const first = open(agent, 0).?;
    const stale = token(first);
    try std.testing.expectEqual(1, signalChecked(stale, 7));
    try std.testing.expectEqual(7, get(first).pending().load(.seq_cst));
    close(first);
    const second = open(agent, 0).?;
    defer close(second);
    try std.testing.expectEqual(first, second);
    try std.testing.expectEqual(0, signalChecked(stale, 7));
    signal(stale, 9);
    try std.testing.expectEqual(0, get(second).pending().load(.seq_cst));
    const all_forged = [_]u64{
        0,
        1,
        12345,
        1 << 63,
        std.math.maxInt(u64),
        token(second) + (2 << 32),
        stale + (1 << 32),
        1 << 32 | 999,
    };
    for (all_forged) |forged| {
        try std.testing.expectEqual(Status.forged.code(), signalChecked(forged, 1));
        signal(forged, 1);
        block(forged);
        unblock(forged);
    }
}

test "a slot that has used up its generations serves nobody again, and no token of it is ever good" {
    const agent = agents.open().?;
    defer agents.close(agent);
    const slot = open(agent, 0).?;
    const first = token(slot);
    var last = first;
    while (true) {
        close(slot);
        const next = open(agent, 0).?;
        if (next != slot) {
            close(next);
            break;
        }
        last = token(slot);
    }
    const first_life: slabs.Token = @bitCast(first);
    const last_life: slabs.Token = @bitCast(last);
    try std.testing.expect(last_life.generation > first_life.generation);
    try std.testing.expectEqual(std.math.maxInt(u20), last_life.generation);
    for ([_]u64{ first, last }) |stale| try std.testing.expectEqual(0, signalChecked(stale, 1));
    try std.testing.expectEqual(0, get(slot).pending().load(.seq_cst));
}

test "an agent's list survives the closing of what is on it" {
    const agent = agents.open().?;
    defer agents.close(agent);
    var slots: [5]u32 = undefined;
    for (&slots) |*slot| {
        slot.* = open(agent, 0).?;
        signal(token(slot.*), 1);
    }
    for ([_]usize{ 2, 0, 4 }) |index| close(slots[index]);
    var left: u32 = 0;
    var next = agents.get(agent).list.swap(0, .seq_cst);
    while (next != 0) : (next = get(next).next.load(.monotonic)) {
        try std.testing.expect(next == slots[1] or next == slots[3]);
        left += 1;
    }
    try std.testing.expectEqual(2, left);
    for ([_]usize{ 1, 3 }) |index| close(slots[index]);
}

test "a record that stops to write to its pipe waits for a signaller that is about to" {
    const agent = agents.open().?;
    defer agents.close(agent);
    const slot = open(agent, flag_pipe).?;
    defer close(slot);
    const Stopper = struct {
        var done: std.atomic.Value(bool) = .init(false);

        fn run(which: u32) void {
            setFlag(which, flag_pipe, 0);
            done.store(true, .seq_cst);
        }
    };
    const head = slab.enter(@bitCast(token(slot))).?;
    const stopper = try std.Thread.spawn(.{}, Stopper.run, .{slot});
    while (get(slot).flags.load(.seq_cst) & flag_pipe != 0) std.Thread.yield() catch {};
    // If it did not wait, it would be done by the last of these.
    for (0..1000) |_| std.Thread.yield() catch {};
    const waits = !Stopper.done.load(.seq_cst);
    slab.leave(head);
    stopper.join();
    try std.testing.expect(waits);
}

test "attention: a record without wake does not swallow the wake of the next" {
    const agent = agents.open().?;
    defer agents.close(agent);
    const quiet = open(agent, 0).?;
    defer close(quiet);
    const loud = open(agent, flag_wake).?;
    defer close(loud);
    signal(token(quiet), 1);
    try std.testing.expectEqual(agents.needs_scan, agents.get(agent).attention().load(.seq_cst));
    signal(token(loud), 1);
    try std.testing.expectEqual(
        agents.needs_scan | agents.wake_sent,
        agents.get(agent).attention().load(.seq_cst),
    );
}
