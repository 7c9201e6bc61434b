//! An agent: one JavaScript realm on its thread. Its attention word says that records may be
//! pending, its list says which.
const std = @import("std");
const invariant = @import("invariant.zig").invariant;
const platform = @import("platform.zig");
const slabs = @import("slab.zig");
const Lock = @import("lock.zig").Lock;
const Call = @import("status.zig").Call;
const Status = @import("status.zig").Status;

/// Bits of the attention word. With one bit for both, a record without wake would set it, and the
/// next record would send no wake.
pub const needs_scan = 1;
pub const wake_sent = 2;
/// JavaScript has begun a scan and not ended it. Only JavaScript sets and clears this bit: if an
/// exception cuts the scan off, the next checkpoint sees the bit and goes on.
pub const owed = 4;

pub const Agent = extern struct {
    /// `head.word` is the attention word, which JavaScript reads at every checkpoint.
    head: slabs.Head,
    /// The slot of the first record on the list of records that became pending; 0 for none.
    /// JavaScript takes the whole list by one exchange.
    list: std.atomic.Value(u32),
    /// The status of a wake, and of a write to a pipe, that failed. A signal handler cannot throw,
    /// so the status waits here until the next scan reports it to `Interrupt.onError`.
    wake_failure: std.atomic.Value(i32),
    pipe_failure: std.atomic.Value(i32),
    /// 1: an agent of another thread has changed its `borrows`. For agents of the main thread.
    listeners_due: std.atomic.Value(i32),
    /// Atomic: other threads may signal while the wake is being made.
    wake_kind: std.atomic.Value(WakeKind),
    /// The thread of its realm. A thread that ends closes its own agents.
    thread: std.atomic.Value(i32),
    /// A bit for each signal for which it has a listener of the runtime. Changed under the
    /// registry's lock only.
    listens: u32,
    wake: extern union {
        socket: extern struct {
            write_fd: platform.Fd,
            read_fd: platform.Fd,
            /// The inode of read_fd if the runtime may forget to close that one, else 0.
            inode: u64,
        },
        function: extern struct {
            call: ?*const fn (*anyopaque) callconv(.c) c_int,
            /// Stays when the slot is free: the slot's next agent uses the memory again.
            argument: ?*anyopaque,
        },
    },
    /// A bit for each signal for which it needs a listener on the main thread.
    borrows: std.atomic.Value(u32),
    padding: u32,

    pub fn attention(agent: *Agent) *std.atomic.Value(i32) {
        return &agent.head.word;
    }
};

comptime {
    std.debug.assert(@sizeOf(Agent) == slabs.slot_size);
}

/// The words that JavaScript may see.
pub const words_size = @offsetOf(Agent, "wake_kind");

const WakeKind = enum(u32) { none, socket, function };

pub var slab: slabs.Slab = .{};
/// While one thread holds it, no other ends the life of an agent.
var lock: Lock = .{};

/// The number of no agent.
pub const nobody = 0;

/// Valid also while the agent closes.
pub fn get(id: u32) *Agent {
    return @alignCast(@fieldParentPtr("head", slab.get(id)));
}

/// An agent for the calling thread. realm.zig closes it with all that it has open. null: there is
/// no slot.
pub fn open() ?u32 {
    const id = slab.open() orelse return null;
    const agent = get(id);
    agent.attention().store(0, .monotonic);
    agent.list.store(0, .monotonic);
    agent.wake_failure.store(0, .monotonic);
    agent.pipe_failure.store(0, .monotonic);
    agent.listeners_due.store(0, .monotonic);
    agent.wake_kind.store(.none, .monotonic);
    agent.thread.store(platform.threadId(), .monotonic);
    slab.publish(id);
    return id;
}

pub fn address(id: u32) callconv(.c) u64 {
    return @intFromPtr(get(id));
}

/// Makes the socket that wakes the loop, and returns its read side, which the runtime owns. With
/// `forgets` the agent closes the read side too, if the runtime has not: Deno leaves it open when
/// it terminates a Worker.
pub fn openWakeSocket(id: u32, forgets: u32) callconv(.c) i32 {
    const agent = get(id);
    // Once a kind is stored, other threads may read the union as that kind at any time.
    invariant(agent.wake_kind.load(.monotonic) == .none);
    var ends: [2]platform.Fd = undefined;
    var status = platform.streamPair(&ends);
    if (status < 0) return status;
    var inode: u64 = 0;
    if (forgets != 0) status = platform.inode(ends[0], &inode);
    if (status < 0) {
        for (ends) |end| platform.close(end);
        return status;
    }
    agent.wake = .{ .socket = .{ .write_fd = ends[1], .read_fd = ends[0], .inode = inode } };
    agent.wake_kind.store(.socket, .release);
    return ends[0];
}

/// Returns 0 if this many pairs of descriptors can be opened now.
pub fn checkDescriptors(pairs: u32) callconv(.c) i32 {
    var ends: [2]platform.Fd = undefined;
    const status = platform.streamPair(&ends);
    if (status < 0) return status;
    defer for (ends) |end| platform.close(end);
    return if (pairs > 1) checkDescriptors(pairs - 1) else 0;
}

/// A runtime's own wake that may be called in a signal handler (uv_async_send).
pub fn setWakeFunction(
    id: u32,
    function: *const fn (*anyopaque) callconv(.c) c_int,
    argument: *anyopaque,
) void {
    const agent = get(id);
    // Once a kind is stored, other threads may read the union as that kind at any time.
    invariant(agent.wake_kind.load(.monotonic) == .none);
    agent.wake = .{ .function = .{ .call = function, .argument = argument } };
    agent.wake_kind.store(.function, .release);
}

/// Tells the agent that a record on its list is pending. A signaller is counted as inside the
/// record, so the agent cannot be closed meanwhile.
pub fn notify(agent: *Agent, wants_wake: bool) void {
    const bits: i32 = if (wants_wake) needs_scan | wake_sent else needs_scan;
    const before = agent.attention().fetchOr(bits, .seq_cst);
    if (wants_wake and before & wake_sent == 0) wake(agent);
}

fn wake(agent: *Agent) void {
    switch (agent.wake_kind.load(.acquire)) {
        .none => {},
        .socket => {
            const errno = platform.write(agent.wake.socket.write_fd, .socketpair);
            if (errno == 0) return;
            // No wake is on its way, so the bit must not say so: the next record that becomes
            // pending tries again.
            _ = agent.attention().fetchAnd(~@as(i32, wake_sent), .seq_cst);
            fail(agent, &agent.wake_failure, .send, errno);
        },
        .function => {
            const errno = platform.Errno.save();
            _ = agent.wake.function.call.?(agent.wake.function.argument.?);
            errno.restore();
        },
    }
}

/// Keeps a failure for the next scan, which reports it.
pub fn fail(agent: *Agent, failure: *std.atomic.Value(i32), call: Call, errno: u16) void {
    // The descriptor is full, so it is readable: its reader will drain it and look.
    if (errno == platform.would_block) return;
    failure.store(Status.ofErrno(call, errno), .seq_cst);
    _ = agent.attention().fetchOr(needs_scan, .seq_cst);
}

/// Only signals up to 31 have listeners: each has a bit in a word of the agent.
fn bitOf(signal: u32) u32 {
    invariant(signal >= 1 and signal <= 32);
    return @as(u32, 1) << @intCast(signal - 1);
}

/// false: it had one before.
pub fn addListener(id: u32, signal: u32) bool {
    const agent = get(id);
    defer agent.listens |= bitOf(signal);
    return agent.listens & bitOf(signal) == 0;
}

/// false: it has none.
pub fn removeListener(id: u32, signal: u32) bool {
    const agent = get(id);
    defer agent.listens &= ~bitOf(signal);
    return agent.listens & bitOf(signal) != 0;
}

/// Sets whether the agent needs a listener on the main thread for this signal, since its own thread
/// can have none.
pub fn borrow(id: u32, signal: u32, on: u32) callconv(.c) void {
    const agent = get(id);
    if (on != 0) {
        _ = agent.borrows.fetchOr(bitOf(signal), .seq_cst);
    } else {
        _ = agent.borrows.fetchAnd(~bitOf(signal), .seq_cst);
    }
    tellMainThread();
}

/// A bit for each signal for which some agent needs a listener on the main thread.
pub fn borrowed() callconv(.c) u64 {
    var bits: u64 = 0;
    for (1..slab.used.load(.acquire) + 1) |id| bits |= get(@intCast(id)).borrows.load(.seq_cst);
    return bits;
}

fn tellMainThread() void {
    // While this thread holds the lock no agent is closed, so no wake that it uses here goes away.
    lock.acquire();
    defer lock.release();
    for (1..slab.used.load(.acquire) + 1) |index| {
        const id: u32 = @intCast(index);
        const agent = get(id);
        if (!slab.lives(id) or !platform.isMainThread(agent.thread.load(.seq_cst))) continue;
        agent.listeners_due.store(1, .seq_cst);
        notify(agent, true);
    }
}

/// First half of closing: from here on no thread takes the token for this agent. false: the agent
/// was closed before. There is no busy count to wait for: signallers are counted in their records,
/// and the closing of the records waits for them.
pub fn retire(token: slabs.Token) bool {
    const head = slab.find(token.slot) orelse return false;
    lock.acquire();
    defer lock.release();
    const is_open = token.names(@bitCast(head.tag.load(.monotonic)));
    if (is_open) slab.retire(token.slot);
    return is_open;
}

/// Second half, when the agent has nothing open any more: closes its wake, and its place is free.
/// If the wake is a function, returns its argument: the place is free when the function's owner
/// calls releaseWakeFunction().
pub fn release(id: u32) ?*anyopaque {
    const agent = get(id);
    if (agent.borrows.swap(0, .seq_cst) != 0) tellMainThread();
    switch (agent.wake_kind.load(.monotonic)) {
        .function => return agent.wake.function.argument,
        .none => {},
        .socket => {
            const socket = agent.wake.socket;
            platform.close(socket.write_fd);
            // The number may have been reused, so compare inodes. If that fails, leak the
            // descriptor rather than close someone else's.
            if (socket.inode != 0) {
                var inode: u64 = undefined;
                const status = platform.inode(socket.read_fd, &inode);
                if (status >= 0 and inode == socket.inode) platform.close(socket.read_fd);
            }
        },
    }
    slab.release(id);
    return null;
}

/// The owner of the wake function says that it will not be called any more: the agent's place is
/// free.
pub fn releaseWakeFunction(id: u32) void {
    // Otherwise the place would have two owners.
    invariant(!slab.lives(id));
    invariant(get(id).wake_kind.load(.monotonic) == .function);
    slab.release(id);
}

/// For tests, which close by themselves what they have opened.
pub fn close(id: u32) void {
    if (retire(slab.token(id))) _ = release(id);
}
