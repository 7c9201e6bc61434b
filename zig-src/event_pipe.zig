//! Descriptors that are readable while something waits: what poll, select and epoll loops of other libraries watch.
const std = @import("std");
const assert = std.debug.assert;
const platform = @import("platform.zig");
const slabs = @import("slab.zig");
const Status = @import("status.zig").Status;

const EventPipe = extern struct {
    head: slabs.Head,
    read_fd: platform.Fd,
    write_fd: platform.Fd,
    /// Stays as it is, also when renewed: signalling threads read it.
    kind: platform.FdKind,
    /// The caller's own numbers, when the descriptors were adopted; else -1.
    adopted_read_fd: platform.Fd,
    adopted_write_fd: platform.Fd,
    /// It is closed with it.
    agent: std.atomic.Value(u32),
    padding: [7]u32,
};

comptime {
    assert(@sizeOf(EventPipe) == slabs.slot_size);
}

var slab: slabs.Slab = .{};

fn get(slot: u32) *EventPipe {
    return @fieldParentPtr("head", slab.get(slot));
}

pub fn open(agent: u32) callconv(.c) i32 {
    var ends: [2]platform.Fd = undefined;
    var kind: platform.FdKind = undefined;
    const status = platform.eventPair(&ends, &kind);
    if (status < 0) return status;
    return publish(agent, ends, kind, .{ -1, -1 });
}

/// The caller keeps its descriptors; ours are duplicates, so that closing the caller's, and whoever gets that number
/// next, cannot make a signalling thread write to a stranger.
pub fn adopt(agent: u32, read_fd: i32, write_fd: i32) callconv(.c) i32 {
    var kind: platform.FdKind = undefined;
    const status = platform.inspect(read_fd, write_fd, &kind);
    if (status < 0) return status;
    const read_copy = platform.duplicate(read_fd);
    if (read_copy < 0) return read_copy;
    const write_copy = if (read_fd == write_fd) read_copy else platform.duplicate(write_fd);
    if (write_copy < 0) {
        platform.close(read_copy);
        return write_copy;
    }
    return publish(agent, .{ read_copy, write_copy }, kind, .{ read_fd, write_fd });
}

fn publish(agent: u32, ends: [2]platform.Fd, kind: platform.FdKind, adopted: [2]platform.Fd) i32 {
    const slot = slab.open() orelse {
        closeBoth(ends);
        return Status.full.code();
    };
    const pipe = get(slot);
    pipe.read_fd = ends[0];
    pipe.write_fd = ends[1];
    pipe.kind = kind;
    pipe.adopted_read_fd = adopted[0];
    pipe.adopted_write_fd = adopted[1];
    pipe.agent.store(agent, .monotonic);
    slab.publish(slot);
    return @intCast(slot);
}

fn closeBoth(ends: [2]platform.Fd) void {
    platform.close(ends[0]);
    if (ends[0] != ends[1]) platform.close(ends[1]);
}

pub fn handle(slot: u32) callconv(.c) u64 {
    return @bitCast(slab.handle(slot));
}

pub fn look(slot: u32, what: u32) callconv(.c) i32 {
    const pipe = get(slot);
    return switch (what) {
        0 => pipe.read_fd,
        1 => pipe.write_fd,
        else => @backingInt(pipe.kind),
    };
}

/// Any thread, any signal handler; nothing after close.
pub fn signal(arg: u64) callconv(.c) void {
    const head = slab.enter(@bitCast(arg)) orelse return;
    defer slab.leave(head);
    const pipe: *EventPipe = @fieldParentPtr("head", head);
    platform.write(pipe.write_fd, pipe.kind);
}

pub fn drain(arg: u64) callconv(.c) void {
    const head = slab.enter(@bitCast(arg)) orelse return;
    defer slab.leave(head);
    const pipe: *EventPipe = @fieldParentPtr("head", head);
    platform.drain(pipe.read_fd, pipe.kind);
}

pub const forever = std.math.maxInt(u64);

pub fn wait(slot: u32, timeout_ns: u64) callconv(.c) i32 {
    return platform.waitReadable(get(slot).read_fd, if (timeout_ns == forever) null else timeout_ns);
}

/// New descriptors under the old numbers: signalling threads see one or the other, never a closed one.
pub fn renew(slot: u32) callconv(.c) i32 {
    const pipe = get(slot);
    const adopted = [2]platform.Fd{ pipe.adopted_read_fd, pipe.adopted_write_fd };
    // The caller may have closed its numbers since, and somebody else may have them now.
    if (adopted[0] >= 0 and !(platform.sameFile(adopted[0], pipe.read_fd) and platform.sameFile(adopted[1], pipe.write_fd))) {
        return Status.bad_fd.code();
    }
    var ends: [2]platform.Fd = undefined;
    var kind: platform.FdKind = undefined;
    const made = switch (pipe.kind) {
        .socketpair => streamPair(&ends, &kind),
        else => platform.eventPair(&ends, &kind),
    };
    if (made < 0) return made;
    defer closeBoth(ends);
    // One number cannot become two, nor two one.
    if ((ends[0] == ends[1]) != (pipe.read_fd == pipe.write_fd)) {
        if (pipe.read_fd == pipe.write_fd) return Status.unsupported.code();
        closeBoth(ends);
        const status = platform.pipePair(&ends, &kind);
        if (status < 0) {
            ends = .{ -1, -1 };
            return status;
        }
    }
    for (ends, [2]platform.Fd{ pipe.read_fd, pipe.write_fd }, adopted) |new, old, callers| {
        const status = platform.replace(new, old);
        if (status < 0) return status;
        if (callers >= 0) _ = platform.replace(new, callers);
    }
    return 0;
}

fn streamPair(ends: *[2]platform.Fd, kind: *platform.FdKind) i32 {
    kind.* = .socketpair;
    return platform.streamPair(ends);
}

pub fn close(slot: u32) callconv(.c) void {
    const pipe = get(slot);
    slab.retire(slot);
    closeBoth(.{ pipe.read_fd, pipe.write_fd });
    pipe.agent.store(0, .monotonic);
    slab.release(slot);
}

/// For an agent that ends with pipes open.
pub fn closeAllOf(agent: u32) void {
    for (1..slab.used.load(.acquire) + 1) |slot| {
        if (get(@intCast(slot)).agent.load(.monotonic) == agent) close(@intCast(slot));
    }
}

test "EventPipe: signalled, readable, drained, idle" {
    const slot = open(1);
    try std.testing.expect(slot > 0);
    const id: u32 = @intCast(slot);
    const arg = handle(id);
    try std.testing.expectEqual(0, wait(id, 0));
    for (0..3) |_| signal(arg);
    try std.testing.expectEqual(1, wait(id, forever));
    drain(arg);
    try std.testing.expectEqual(0, wait(id, 100_000));
    close(id);
    signal(arg);
    drain(arg);
}

test "EventPipe: renew keeps the numbers" {
    const id: u32 = @intCast(open(1));
    const before = look(id, 0);
    signal(handle(id));
    try std.testing.expectEqual(0, renew(id));
    try std.testing.expectEqual(before, look(id, 0));
    try std.testing.expectEqual(0, wait(id, 0));
    signal(handle(id));
    try std.testing.expectEqual(1, wait(id, 0));
    close(id);
}

test "EventPipe: adopt refuses closed and swapped descriptors, and outlives the caller's" {
    try std.testing.expectEqual(Status.bad_fd.code(), adopt(1, -1, -1));
    try std.testing.expectEqual(Status.bad_fd.code(), adopt(1, 1 << 20, 1 << 20));
    var ends: [2]platform.Fd = undefined;
    var kind: platform.FdKind = undefined;
    try std.testing.expectEqual(0, platform.pipePair(&ends, &kind));
    try std.testing.expectEqual(Status.wrong_direction.code(), adopt(1, ends[1], ends[0]));
    const id: u32 = @intCast(adopt(1, ends[0], ends[1]));
    closeBoth(ends);
    signal(handle(id));
    try std.testing.expectEqual(1, wait(id, 0));
    try std.testing.expectEqual(Status.bad_fd.code(), renew(id));
    close(id);
}
