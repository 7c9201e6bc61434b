//! Threads: each starts with one piece of work, may be asked to stop, and is joined.
const std = @import("std");
const linux = std.os.linux;
const assert = std.debug.assert;
const Lives = @import("lives.zig").Lives;
const Loop = @import("event_loops.zig").Loop;
const readFd = @import("descriptors.zig").readFd;
const senders = @import("senders.zig");
const signals = @import("signals.zig");
const turns = @import("turns.zig");

const Work = union(enum) {
    signal: senders.Signal,
    call: senders.Call,
    litmus: senders.Litmus,
    handshake: senders.Handshake,
    lives: Lives,
    loop: Loop,
    read: i32,
    errno: i32,
    idle,
};

const Thread = struct {
    work: Work = .idle,
    handle: usize = 0,
    id: std.atomic.Value(i32) = .init(0),
    done: std.atomic.Value(bool) = .init(false),
    stop: std.atomic.Value(bool) = .init(false),
    used: bool = false,
    result: i32 = 0,

    fn run(thread: *Thread) void {
        signals.unmaskAll();
        thread.id.store(linux.gettid(), .seq_cst);
        thread.result = switch (thread.work) {
            .read => |fd| readFd(fd),
            .errno => |signal| signals.errnoAfter(signal),
            .idle => idle(&thread.stop),
            inline else => |work| work.run(&thread.stop),
        };
        thread.done.store(true, .seq_cst);
    }

    fn idle(stop: *const std.atomic.Value(bool)) i32 {
        while (!stop.load(.seq_cst)) {
            _ = linux.nanosleep(&.{ .sec = 0, .nsec = std.time.ns_per_ms }, null);
        }
        return 0;
    }
};

var threads: [32]Thread = @splat(.{});

const pthread_create = @extern(
    ?*const fn (
        *usize,
        ?*const anyopaque,
        *const fn (?*anyopaque) callconv(.c) ?*anyopaque,
        ?*anyopaque,
    ) callconv(.c) c_int,
    .{ .name = "pthread_create", .linkage = .weak },
);

const pthread_join = @extern(
    ?*const fn (usize, ?*?*anyopaque) callconv(.c) c_int,
    .{ .name = "pthread_join", .linkage = .weak },
);

fn startThread(work: Work) i32 {
    for (&threads, 0..) |*thread, index| {
        if (thread.used) continue;
        thread.* = .{ .work = work, .used = true };
        if (pthread_create.?(&thread.handle, null, threadMain, thread) != 0) return -1;
        return @intCast(index);
    }
    return -1;
}

fn threadMain(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
    const thread: *Thread = @ptrCast(@alignCast(arg.?));
    thread.run();
    return null;
}

var planned: struct { count: u32 = 0, interval: u64 = 0, first: i32 = 1, step: i32 = 1 } = .{};

pub fn plan(count: u32, interval_ns: u64) callconv(.c) void {
    planned.count = count;
    planned.interval = interval_ns;
}

pub fn planValues(first: i32, step: i32) callconv(.c) void {
    planned.first = first;
    planned.step = step;
}

pub fn threadSignal(func: u64, arg: u64) callconv(.c) i32 {
    return startThread(.{ .signal = .{
        .func = @ptrFromInt(func),
        .arg = arg,
        .first = planned.first,
        .step = planned.step,
        .count = planned.count,
        .interval = planned.interval,
    } });
}

pub fn threadCall(func: u64, arg: u64) callconv(.c) i32 {
    return startThread(.{ .call = .{
        .func = @ptrFromInt(func),
        .arg = arg,
        .count = planned.count,
        .interval = planned.interval,
    } });
}

pub fn threadLitmus(func: u64, arg: u64, rounds: u32) callconv(.c) i32 {
    return startThread(.{ .litmus = .{ .func = @ptrFromInt(func), .arg = arg, .rounds = rounds } });
}

pub fn threadHandshake(func: u64, arg: u64, rounds: u32) callconv(.c) i32 {
    return startThread(.{ .handshake = .{
        .func = @ptrFromInt(func),
        .arg = arg,
        .rounds = rounds,
    } });
}

pub fn threadLives(func: u64, signal: i32) callconv(.c) i32 {
    Lives.reset();
    return startThread(.{ .lives = .{
        .func = @ptrFromInt(func),
        .signal = signal,
        .interval = planned.interval,
    } });
}

pub fn threadRead(fd: i32) callconv(.c) i32 {
    return startThread(.{ .read = fd });
}

pub fn threadLoop(kind: u32, fd: i32, count: u32) callconv(.c) i32 {
    turns.expect(count);
    return startThread(.{ .loop = .{ .kind = @fromBackingInt(kind), .fd = fd } });
}

pub fn threadErrno(signal: i32) callconv(.c) i32 {
    return startThread(.{ .errno = signal });
}

pub fn threadIdle() callconv(.c) i32 {
    return startThread(.idle);
}

pub fn threadId(thread: i32) callconv(.c) i32 {
    return threads[@intCast(thread)].id.load(.seq_cst);
}

pub fn threadDone(thread: i32) callconv(.c) i32 {
    return @intFromBool(threads[@intCast(thread)].done.load(.seq_cst));
}

pub fn threadStop(thread: i32) callconv(.c) void {
    threads[@intCast(thread)].stop.store(true, .seq_cst);
}

pub fn threadJoin(index: i32) callconv(.c) i32 {
    const thread = &threads[@intCast(index)];
    const failed = pthread_join.?(thread.handle, null);
    assert(failed == 0);
    thread.used = false;
    return thread.result;
}
