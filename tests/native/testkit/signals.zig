//! Signals: masks, kill(2) and timers.
const std = @import("std");
const linux = std.os.linux;
const answer = @import("system_call.zig").answer;
const sigset_size = @import("system_call.zig").sigset_size;

const __errno_location = @extern(
    ?*const fn () callconv(.c) *c_int,
    .{ .name = "__errno_location", .linkage = .weak },
);

fn setMask(bits: u64) void {
    const SETMASK = 2;
    _ = linux.syscall4(.rt_sigprocmask, SETMASK, @intFromPtr(&bits), 0, sigset_size);
}

pub fn unmaskAll() void {
    setMask(0);
}

pub fn maskAll(on: i32) callconv(.c) void {
    setMask(if (on != 0) std.math.maxInt(u64) else 0);
}

pub fn errnoAfter(signal: i32) callconv(.c) i32 {
    const location = __errno_location.?();
    location.* = 77;
    // A signal to the caller itself is handled before the system call returns.
    _ = killThread(linux.gettid(), signal);
    return location.*;
}

pub fn kill(process: i32, signal: i32, count: u32) callconv(.c) i32 {
    for (0..count) |_| {
        const result = answer(linux.syscall2(.kill, @as(u32, @bitCast(process)), @intCast(signal)));
        if (result < 0) return result;
    }
    return 0;
}

pub fn killThread(thread: i32, signal: i32) callconv(.c) i32 {
    const process: u32 = @bitCast(linux.getpid());
    return answer(linux.syscall3(.tgkill, process, @as(u32, @bitCast(thread)), @intCast(signal)));
}

fn killer(arg: u64) callconv(.c) void {
    const thread: i32 = @intCast(arg / 256);
    _ = killThread(if (thread == 0) linux.gettid() else thread, @intCast(arg % 256));
}

pub fn killerAddress() callconv(.c) u64 {
    return @intFromPtr(&killer);
}

pub fn alarm(delay_us: u32) callconv(.c) i32 {
    const REAL = 0;
    // Interval and value, each in seconds and microseconds: what Zig's own declaration calls
    // nanoseconds.
    const time = [4]isize{ 0, 0, 0, @intCast(delay_us) };
    return answer(linux.syscall3(.setitimer, REAL, @intFromPtr(&time), 0));
}

pub fn alarmEvery(microseconds: u32) callconv(.c) void {
    const real = 0;
    const interval: [4]isize = .{ 0, microseconds, 0, microseconds };
    _ = linux.syscall3(.setitimer, real, @intFromPtr(&interval), 0);
}

var timers: [65]?i32 = @splat(null);

pub fn timer(signal: i32, delay_ns: u32) callconv(.c) i32 {
    const place = &timers[@intCast(signal)];
    if (place.* == null) {
        // struct sigevent: a value that nobody reads, the signal, and SIGEV_SIGNAL (0).
        var event: [8]u64 = @splat(0);
        event[1] = @as(u32, @intCast(signal));
        var id: i32 = 0;
        const clock = @backingInt(linux.CLOCK.MONOTONIC);
        const made = answer(linux.syscall3(
            .timer_create,
            clock,
            @intFromPtr(&event),
            @intFromPtr(&id),
        ));
        if (made < 0) return made;
        place.* = id;
    }
    const time: linux.itimerspec = .{
        .it_interval = .{ .sec = 0, .nsec = 0 },
        .it_value = .{ .sec = 0, .nsec = delay_ns },
    };
    return answer(linux.syscall4(.timer_settime, @intCast(place.*.?), 0, @intFromPtr(&time), 0));
}
