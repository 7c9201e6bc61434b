//! Descriptors that are readable while something waits: what poll, select and epoll loops of other
//! libraries watch.
const std = @import("std");
const invariant = @import("invariant.zig").invariant;
const agents = @import("agent.zig");
const platform = @import("platform.zig");
const slabs = @import("slab.zig");
const Call = @import("status.zig").Call;
const Status = @import("status.zig").Status;

const EventPipe = extern struct {
    head: slabs.Head,
    /// Read and write side, and the numbers that the caller knows, else -1: both when the
    /// descriptors were adopted; the read side's when it is lent, so that a socket may watch it,
    /// which takes it for its own and closes it.
    fds: [4]platform.Fd,
    /// It does not change while the pipe is open, not even by renew(): signalling threads read it.
    kind: platform.FdKind,
    /// The agent with which it is closed.
    agent: std.atomic.Value(u32),
    /// How often it was opened: a caller that adopts what is adopted already gets the same pipe.
    /// Only the agent's thread changes it.
    users: u32,
    padding: [6]u32,
};

comptime {
    std.debug.assert(@sizeOf(EventPipe) == slabs.slot_size);
}

pub var slab: slabs.Slab = .{};

fn get(slot: u32) *EventPipe {
    return @fieldParentPtr("head", slab.get(slot));
}

/// Any kind: an eventfd, or another if the kernel has no eventfds or a sandbox forbids them.
pub fn open(agent: u32) callconv(.c) i32 {
    const slot = openKind(agent, @backingInt(platform.FdKind.eventfd));
    return if (slot < 0) openKind(agent, @backingInt(platform.fallback_kind)) else slot;
}

pub fn openKind(agent: u32, kind: u32) callconv(.c) i32 {
    invariant(kind < std.enums.values(platform.FdKind).len);
    const which: platform.FdKind = @fromBackingInt(@intCast(kind));
    var ends: [2]platform.Fd = undefined;
    const status = switch (which) {
        .eventfd => platform.eventFd(&ends),
        .pipe => platform.pipePair(&ends),
        .socketpair => platform.streamPair(&ends),
    };
    if (status < 0) return status;
    // Sockets cannot watch an eventfd.
    if (which == .eventfd) return publish(agent, ends, which, .{ -1, -1 });
    const copy = platform.duplicate(ends[0]);
    if (copy < 0) {
        closeBoth(ends);
        return copy;
    }
    const slot = publish(agent, .{ copy, ends[1] }, which, .{ ends[0], -1 });
    if (slot < 0) platform.close(ends[0]);
    return slot;
}

/// The caller keeps its descriptors; ours are duplicates. So when the caller closes its own and the
/// number is reused, no signalling thread writes to a foreign file.
pub fn adopt(agent: u32, read_fd: i32, write_fd: i32) callconv(.c) i32 {
    var kind: platform.FdKind = undefined;
    const status = platform.inspect(read_fd, write_fd, &kind);
    if (status < 0) return status;
    for (1..slab.used.load(.acquire) + 1) |slot| {
        const pipe = get(@intCast(slot));
        if (pipe.agent.load(.monotonic) != agent) continue;
        if (pipe.fds[2] != read_fd or pipe.fds[3] != write_fd or check(pipe) < 0) continue;
        pipe.users += 1;
        return @intCast(slot);
    }
    var copies: [2]platform.Fd = undefined;
    const copied = duplicateBoth(.{ read_fd, write_fd }, &copies);
    if (copied < 0) return copied;
    return publish(agent, copies, kind, .{ read_fd, write_fd });
}

fn duplicateBoth(ends: [2]platform.Fd, copies: *[2]platform.Fd) i32 {
    copies.* = @splat(platform.duplicate(ends[0]));
    if (copies[0] < 0 or ends[0] == ends[1]) return copies[0];
    copies[1] = platform.duplicate(ends[1]);
    if (copies[1] < 0) platform.close(copies[0]);
    return copies[1];
}

fn publish(agent: u32, ends: [2]platform.Fd, kind: platform.FdKind, known: [2]platform.Fd) i32 {
    const slot = slab.open() orelse {
        closeBoth(ends);
        return Status.full.code();
    };
    const pipe = get(slot);
    pipe.fds = ends ++ known;
    pipe.kind = kind;
    pipe.users = 1;
    pipe.agent.store(agent, .monotonic);
    slab.publish(slot);
    return @intCast(slot);
}

fn closeBoth(ends: [2]platform.Fd) void {
    platform.close(ends[0]);
    if (ends[0] != ends[1]) platform.close(ends[1]);
}

pub fn token(slot: u32) callconv(.c) u64 {
    return @bitCast(slab.token(slot));
}

pub const Info = enum(u32) { read_fd, write_fd, kind };

pub fn info(slot: u32, what: u32) callconv(.c) i32 {
    const pipe = get(slot);
    return switch (@as(Info, @fromBackingInt(what))) {
        .read_fd => if (pipe.fds[2] < 0) pipe.fds[0] else pipe.fds[2],
        .write_fd => pipe.fds[1],
        .kind => @backingInt(pipe.kind),
    };
}

/// Any thread and any signal handler may call it. Does nothing after close.
pub fn signal(arg: u64) callconv(.c) void {
    const head = slab.enter(@bitCast(arg)) orelse return;
    defer slab.leave(head);
    const pipe: *EventPipe = @fieldParentPtr("head", head);
    const errno = platform.write(pipe.fds[1], pipe.kind);
    if (errno != 0) fail(pipe, .write, errno);
}

pub fn drain(arg: u64) callconv(.c) void {
    const head = slab.enter(@bitCast(arg)) orelse return;
    defer slab.leave(head);
    const pipe: *EventPipe = @fieldParentPtr("head", head);
    const errno = platform.drain(pipe.fds[0], pipe.kind);
    if (errno != 0) fail(pipe, .read, errno);
}

fn fail(pipe: *EventPipe, call: Call, errno: u16) void {
    const agent = agents.get(pipe.agent.load(.monotonic));
    agents.fail(agent, &agent.pipe_failure, call, errno);
}

pub const forever = std.math.maxInt(u64);

pub fn wait(slot: u32, timeout_ns: u64) callconv(.c) i32 {
    return platform.waitReadable(get(slot).fds[0], timeout_ns);
}

/// Puts new descriptors under the old numbers: a signalling thread writes to one or the other, and
/// never to a closed number. If it fails, nothing has changed.
pub fn renew(slot: u32) callconv(.c) i32 {
    const pipe = get(slot);
    var status = check(pipe);
    if (status < 0) return status;
    var old: [2]platform.Fd = undefined;
    status = duplicateBoth(pipe.fds[0..2].*, &old);
    if (status < 0) return status;
    var new: [2]platform.Fd = undefined;
    status = make(pipe, &new);
    if (status == 0) {
        for (pipe.fds, 0..) |target, index| {
            if (target < 0) continue;
            status = platform.replace(new[index % 2], target);
            if (status == 0) continue;
            // A pipe with one new end would carry no signal: put all old ones back.
            for (pipe.fds[0..index], 0..) |done, undo| _ = platform.replace(old[undo % 2], done);
            break;
        }
        closeBoth(new);
    }
    // A signaller may be about to write to the old write side, and would get SIGPIPE when the old
    // read side is closed. So give it time; not for ever, since more signallers may come meanwhile.
    if (pipe.kind != .eventfd) for (0..16) |_| {
        if (!slab.isBusy(slot)) break;
        platform.yield();
    };
    closeBoth(old);
    return status;
}

/// A negative status if other code has closed the descriptors that the caller knows: other files
/// may have their numbers by now.
fn check(pipe: *EventPipe) i32 {
    for (pipe.fds[2..4], pipe.fds[0..2]) |callers, ours| {
        if (callers < 0) break;
        const status = platform.sameFile(callers, ours);
        if (status < 0) return status;
    }
    return 0;
}

/// Makes as many descriptors as the pipe has, since the caller watches their numbers.
fn make(pipe: *EventPipe, ends: *[2]platform.Fd) i32 {
    const is_socket = pipe.kind == .socketpair;
    if (pipe.fds[0] == pipe.fds[1]) {
        return if (is_socket) Status.unsupported.code() else platform.eventFd(ends);
    }
    return if (is_socket) platform.streamPair(ends) else platform.pipePair(ends);
}

pub fn close(slot: u32) callconv(.c) void {
    const pipe = get(slot);
    // It was closed once too often, and its descriptors may belong to others by now.
    invariant(pipe.users != 0);
    pipe.users -= 1;
    if (pipe.users > 0) return;
    slab.retire(slot);
    const is_lent = pipe.fds[2] >= 0 and pipe.fds[3] < 0;
    // If a socket has closed it, another file may have its number.
    if (is_lent and platform.sameFile(pipe.fds[2], pipe.fds[0]) == 0) platform.close(pipe.fds[2]);
    closeBoth(pipe.fds[0..2].*);
    pipe.agent.store(0, .monotonic);
    slab.release(slot);
}

/// For an agent that ends with pipes open.
pub fn closeAllOf(agent: u32) void {
    for (1..slab.used.load(.acquire) + 1) |slot| {
        const pipe = get(@intCast(slot));
        if (pipe.agent.load(.monotonic) != agent) continue;
        pipe.users = 1;
        close(@intCast(slot));
    }
}

test "EventPipe: signalled, readable, drained, idle" {
    const slot = open(1);
    try std.testing.expect(slot > 0);
    const id: u32 = @intCast(slot);
    const arg = token(id);
    try std.testing.expectEqual(0, wait(id, 0));
    for (0..3) |_| signal(arg);
    try std.testing.expectEqual(1, wait(id, forever));
    drain(arg);
    try std.testing.expectEqual(0, wait(id, 100_000));
    close(id);
    signal(arg);
    drain(arg);
}

test "EventPipe: while a signaller is inside, close keeps the descriptors" {
    const id: u32 = @intCast(open(1));
    const arg = token(id);
    const fd = info(id, 0);
    const head = slab.enter(@bitCast(arg)).?;
    const closer = try std.Thread.spawn(.{}, close, .{id});
    while (slab.lives(id)) platform.yield();
    // If it did not wait, it would be done by the last of these.
    for (0..1000) |_| platform.yield();
    const waits = isOpen(fd);
    slab.leave(head);
    closer.join();
    try std.testing.expectEqual([_]bool{ true, false }, [_]bool{ waits, isOpen(fd) });
}

fn isOpen(fd: platform.Fd) bool {
    const linux = std.os.linux;
    return linux.errno(linux.fcntl(fd, linux.F.GETFD, 0)) == .SUCCESS;
}

test "EventPipe: renew keeps the numbers" {
    const id: u32 = @intCast(open(1));
    const before = info(id, 0);
    signal(token(id));
    try std.testing.expectEqual(0, renew(id));
    try std.testing.expectEqual(before, info(id, 0));
    try std.testing.expectEqual(0, wait(id, 0));
    signal(token(id));
    try std.testing.expectEqual(1, wait(id, 0));
    close(id);
}

test "EventPipe: adopt refuses closed and swapped descriptors, and outlives the caller's" {
    const EBADF = 9;
    try std.testing.expectEqual(EBADF, Status.errnoOf(adopt(1, -1, -1)));
    try std.testing.expectEqual(EBADF, Status.errnoOf(adopt(1, 1 << 20, 1 << 20)));
    var ends: [2]platform.Fd = undefined;
    try std.testing.expectEqual(0, platform.pipePair(&ends));
    try std.testing.expectEqual(Status.wrong_direction.code(), adopt(1, ends[1], ends[0]));
    const id: u32 = @intCast(adopt(1, ends[0], ends[1]));
    try std.testing.expectEqual(@as(i32, @intCast(id)), adopt(1, ends[0], ends[1]));
    close(id);
    closeBoth(ends);
    signal(token(id));
    try std.testing.expectEqual(1, wait(id, 0));
    try std.testing.expectEqual(EBADF, Status.errnoOf(renew(id)));
    close(id);
}
