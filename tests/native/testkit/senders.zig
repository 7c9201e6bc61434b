//! What the threads of threads.zig do that call functions, and the memory in which they and
//! JavaScript see each other.
const std = @import("std");
const linux = std.os.linux;
const Clock = @import("clock.zig").Clock;
const PlainFunction = @import("callbacks.zig").PlainFunction;
const ValueFunction = @import("callbacks.zig").ValueFunction;
const nowNs = @import("clock.zig").nowNs;

const Stop = std.atomic.Value(bool);

/// Calls func(arg, first), func(arg, first + step) and so on.
pub const Signal = struct {
    func: ValueFunction,
    arg: u64,
    first: i32,
    step: i32,
    count: u32,
    interval: u64,

    pub fn run(work: Signal, stop: *const Stop) i32 {
        var value = work.first;
        var clock: Clock = .start(work.interval);
        var index: u32 = 0;
        while (goesOn(stop, index, work.count)) : (index +%= 1) {
            clock.wait();
            stamps[index % stamps.len] = nowNs();
            work.func(work.arg, value);
            value +%= work.step;
        }
        return @bitCast(index);
    }
};

/// Calls func(arg).
pub const Call = struct {
    func: PlainFunction,
    arg: u64,
    count: u32,
    interval: u64,

    pub fn run(work: Call, stop: *const Stop) i32 {
        var clock: Clock = .start(work.interval);
        var index: u32 = 0;
        while (goesOn(stop, index, work.count)) : (index +%= 1) {
            clock.wait();
            work.func(work.arg);
        }
        return @bitCast(index);
    }
};

fn goesOn(stop: *const Stop, index: u32, count: u32) bool {
    return !stop.load(.monotonic) and (count == 0 or index < count);
}

/// Writes the round to the data word, then calls func(arg, round).
pub const Litmus = struct {
    func: ValueFunction,
    arg: u64,
    rounds: u32,

    pub fn run(work: Litmus, _: *const Stop) i32 {
        for (1..work.rounds + 1) |round| {
            // Not atomic, on purpose: func alone publishes it.
            data.word = @intCast(round);
            work.func(work.arg, @intCast(round));
        }
        return 0;
    }
};

/// The same, but signals before the write too, and then waits for the acknowledge word.
pub const Handshake = struct {
    func: ValueFunction,
    arg: u64,
    rounds: u32,

    pub fn run(work: Handshake, stop: *const Stop) i32 {
        for (1..work.rounds + 1) |round| {
            const value: i32 = @intCast(round);
            flushBallast();
            work.func(work.arg, value);
            for (&ballast) |*line| line.value = value;
            data.word = value;
            work.func(work.arg, value);
            var turns: u32 = 0;
            while (@atomicLoad(i64, &data.acknowledged, .acquire) != value) : (turns +%= 1) {
                if (stop.load(.monotonic)) return value;
                // The other side may share this core.
                if (turns % 1024 == 1023) _ = linux.sched_yield();
            }
        }
        return 0;
    }
};

var stamps: [65536]u64 = @splat(0);

pub fn stampsAddress() callconv(.c) u64 {
    return @intFromPtr(&stamps);
}

/// Each word has a cache line of its own.
const Data = extern struct {
    word: i64 align(64) = 0,
    acknowledged: i64 align(64) = 0,
};

var data: Data = .{};

pub fn dataAddress() callconv(.c) u64 {
    return @intFromPtr(&data);
}

/// Cache lines that flushBallast() takes out of all caches. Stores to them, and all stores after
/// those, stay in the store buffer for a while, where no other core sees them.
var ballast: [32]extern struct { value: i64 align(64) } = @splat(.{ .value = 0 });

fn flushBallast() void {
    if (@import("builtin").cpu.arch != .x86_64) return;
    for (&ballast) |*line| asm volatile ("clflush (%[line])"
        :
        : [line] "r" (line),
        : .{ .memory = true });
}
