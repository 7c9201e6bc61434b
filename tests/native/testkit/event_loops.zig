//! The event loops of docs/event_loops.md, which build.zig compiles into the testkit.
const std = @import("std");
const linux = std.os.linux;
const answer = @import("system_call.zig").answer;
const turns = @import("turns.zig");

/// What a loop calls when it was woken.
var drain: struct { func: u64 = 0, arg: u64 = 0 } = .{};

extern fn loop_poll(fd: i32, drain: u64, arg: u64) c_int;
extern fn loop_epoll(epoll: i32, fd: i32, events: u32, drain: u64, arg: u64) c_int;

pub const Loop = struct {
    kind: enum(u32) { poll, epoll, edge_triggered },
    fd: i32,

    /// Gives 0, or an errno.
    pub fn run(loop: Loop, _: *const std.atomic.Value(bool)) i32 {
        if (loop.kind == .poll) return loop_poll(loop.fd, drain.func, drain.arg);
        const epoll = answer(linux.epoll_create1(linux.EPOLL.CLOEXEC));
        if (epoll < 0) return -epoll;
        defer _ = linux.close(epoll);
        const edge: u32 = if (loop.kind == .edge_triggered) linux.EPOLL.ET else 0;
        return loop_epoll(epoll, loop.fd, linux.EPOLL.IN | edge, drain.func, drain.arg);
    }
};

pub fn loopDrain(func: u64, arg: u64) callconv(.c) void {
    drain = .{ .func = func, .arg = arg };
}

pub fn loopRun(kind: u32, fd: i32, count: u32) callconv(.c) i32 {
    turns.expect(count);
    const never: std.atomic.Value(bool) = .init(false);
    return Loop.run(.{ .kind = @fromBackingInt(kind), .fd = fd }, &never);
}

pub fn loopTurns() callconv(.c) u32 {
    return turns.seen();
}
