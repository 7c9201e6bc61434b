//! A thread that signals two lives of an Interrupt while another opens and closes them.
const std = @import("std");
const linux = std.os.linux;
const Clock = @import("clock.zig").Clock;
const killThread = @import("signals.zig").killThread;
const ValueFunction = @import("callbacks.zig").ValueFunction;

var lives: extern struct {
    now: std.atomic.Value(u64) = .init(0),
    before: std.atomic.Value(u64) = .init(0),
    begun: std.atomic.Value(i32) = .init(0),
    sent: std.atomic.Value(i32) = .init(0),
    late: std.atomic.Value(i32) = .init(0),
    raised: std.atomic.Value(i32) = .init(0),
} = .{};

pub fn livesAddress() callconv(.c) u64 {
    return @intFromPtr(&lives);
}

/// A token, with a mark in its upper 12 bits, which are 0 in a token: one word for one life.
const MarkedToken = packed struct(u64) {
    token: u52,
    mark: u12,

    const none: MarkedToken = @bitCast(@as(u64, 0));

    fn value(marked: MarkedToken, index: u19) i32 {
        return @bitCast(@as(u32, marked.mark) << 19 | index);
    }
};

pub const Lives = struct {
    func: ValueFunction,
    signal: i32,
    interval: u64,

    /// Before the thread starts.
    pub fn reset() void {
        lives = .{};
    }

    pub fn run(work: Lives, stop: *const std.atomic.Value(bool)) i32 {
        const main: i32 = linux.getpid();
        var clock: Clock = .start(work.interval);
        var now: MarkedToken = .none;
        var index: u19 = 0;
        var turns: u32 = 0;
        while (!stop.load(.monotonic)) : (turns +%= 1) {
            // In bursts: several lives may pass in one.
            if (turns % 256 == 0) clock.wait();
            const before = lives.before.load(.seq_cst);
            if (before != 0) {
                const old: MarkedToken = @bitCast(before);
                // A value that it never had.
                work.func(old.token, old.value(std.math.maxInt(u19)));
                _ = lives.late.fetchAdd(1, .seq_cst);
            }
            const next: MarkedToken = @bitCast(lives.now.load(.seq_cst));
            if (next != now) index = 0;
            now = next;
            if (now != MarkedToken.none and index < std.math.maxInt(u19) - 1) {
                index += 1;
                lives.begun.store(now.value(index), .seq_cst);
                work.func(now.token, now.value(index));
                lives.sent.store(now.value(index), .seq_cst);
            }
            if (turns % 128 != 0) continue;
            // The thread that opens and closes, or this one, which may be late for the last.
            const target = if (turns % 256 == 0) main else linux.gettid();
            if (killThread(target, work.signal) == 0) _ = lives.raised.fetchAdd(1, .seq_cst);
        }
        return @bitCast(turns);
    }
};
