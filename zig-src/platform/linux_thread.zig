//! What the timers' thread needs of Linux: the thread itself, by the host's pthread_create, and a
//! wait that ends exactly in time. What each function promises is in ../platform.zig.
//!
//! The calls that may be refused go through `call` and `callFunction`, so that a test can make them
//! fail. The others are made directly: the same call has worked a moment before, or nothing depends
//! on it, or libc itself could not do without it (futex).
const std = @import("std");
const linux = std.os.linux;
const call = @import("system_call.zig").call;
const callFunction = @import("system_call.zig").callFunction;
const fromHost = @import("from_host.zig").fromHost;
const Status = @import("../status.zig").Status;

pub const Main = fn (?*anyopaque) callconv(.c) ?*anyopaque;

/// pthread_attr_t has 56 bytes, of glibc and of musl.
const Attributes = [128]u8;

/// Of the address space: memory is what the thread touches, some kilobytes. glibc puts the host's
/// thread-local variables here too, which are 22 KB in Bun and 256 KB in a Zig program. The default
/// of 8 MiB may become huge pages of 2 MiB.
const stack_size = 1024 * 1024;

const PTHREAD_CREATE_DETACHED = 1;

const pthread_create = @extern(
    ?*const fn (*usize, *const Attributes, *const Main, ?*anyopaque) callconv(.c) c_int,
    .{ .name = "pthread_create", .linkage = .weak },
);
const pthread_attr_init = @extern(
    ?*const fn (*Attributes) callconv(.c) c_int,
    .{ .name = "pthread_attr_init", .linkage = .weak },
);
const pthread_attr_setstacksize = @extern(
    ?*const fn (*Attributes, usize) callconv(.c) c_int,
    .{ .name = "pthread_attr_setstacksize", .linkage = .weak },
);
const pthread_attr_setdetachstate = @extern(
    ?*const fn (*Attributes, c_int) callconv(.c) c_int,
    .{ .name = "pthread_attr_setdetachstate", .linkage = .weak },
);
const pthread_attr_destroy = @extern(
    ?*const fn (*Attributes) callconv(.c) c_int,
    .{ .name = "pthread_attr_destroy", .linkage = .weak },
);

pub fn start(main: *const Main) i32 {
    const create = fromHost(pthread_create) orelse return Status.unsupported.code();
    // A host that has pthread_create has these.
    const initialize = pthread_attr_init.?;
    const set_stack_size = pthread_attr_setstacksize.?;
    const set_detached = pthread_attr_setdetachstate.?;
    const destroy = pthread_attr_destroy.?;
    var attributes: Attributes align(16) = undefined;
    const failed = initialize(&attributes);
    if (failed != 0) return Status.ofErrno(.pthread_create, @intCast(failed));
    defer _ = destroy(&attributes);
    _ = set_stack_size(&attributes, stack_size);
    _ = set_detached(&attributes, PTHREAD_CREATE_DETACHED);
    // The new thread inherits the mask. Were it to block the signals itself, one that comes before
    // that would run a handler of the host on this small stack.
    var before: linux.sigset_t = undefined;
    const blocked = call(
        .rt_sigprocmask,
        linux.sigprocmask,
        .{ linux.SIG.SETMASK, &all_but_internal, &before },
    );
    switch (linux.errno(blocked)) {
        .SUCCESS => {},
        else => |errno| return Status.ofErrno(.pthread_create, @backingInt(errno)),
    }
    var thread: usize = undefined;
    const errno = callFunction(.pthread_create, create, .{ &thread, &attributes, main, null });
    _ = linux.sigprocmask(linux.SIG.SETMASK, &before, null);
    return if (errno == 0) 0 else Status.ofErrno(.pthread_create, @intCast(errno));
}

/// All signals but 32 to 34, with which libc asks every thread to take part in setuid(2): it would
/// wait for ever for one that blocks them.
const all_but_internal: linux.sigset_t = .{~@as(u64, 0b111 << 31)};

/// The calling thread has this name in /proc and in debuggers, and its waits are not prolonged: by
/// default Linux ends them up to 50 µs late, to save power.
pub fn beTimer(name: [*:0]const u8) void {
    _ = linux.prctl(@backingInt(linux.PR.SET_NAME), @intFromPtr(name), 0, 0, 0);
    _ = linux.prctl(@backingInt(linux.PR.SET_TIMERSLACK), 1, 0, 0, 0);
}

/// By a system call of its own, as `now` does it; that one has worked by now.
pub fn clock() u64 {
    var time: linux.timespec = undefined;
    _ = linux.syscall2(
        .clock_gettime,
        @backingInt(linux.CLOCK.MONOTONIC),
        @intFromPtr(&time),
    );
    return @as(u64, @intCast(time.sec)) * std.time.ns_per_s + @as(u64, @intCast(time.nsec));
}

/// WAIT_BITSET: unlike WAIT it takes an absolute time, so that what comes between the caller's look
/// at the clock and this call delays nothing.
pub fn awaitChange(word: *const std.atomic.Value(u32), value: u32, deadline_ns: u64) void {
    const deadline: linux.timespec = .{
        .sec = @intCast(deadline_ns / std.time.ns_per_s),
        .nsec = @intCast(deadline_ns % std.time.ns_per_s),
    };
    const any_bit = 0xffff_ffff;
    _ = linux.futex(
        word,
        .{ .cmd = .WAIT_BITSET, .private = true },
        value,
        .{ .timeout = &deadline },
        null,
        any_bit,
    );
}

pub fn announceChange(word: *const std.atomic.Value(u32)) void {
    _ = linux.futex_3arg(word, .{ .cmd = .WAKE, .private = true }, 1);
}
