//! The functions that take values from outside, called with anything: `zig build test --fuzz=100K` lets coverage choose.
const std = @import("std");
const agents = @import("agent.zig");
const event_pipe = @import("event_pipe.zig");
const hook = @import("hook.zig");
const records = @import("record.zig");
const Status = @import("status.zig").Status;

const Life = struct {
    slot: u32,
    handle: u64,
    /// What should be pending.
    pending: i32 = 0,
};

const Call = enum { open, close, signal, signal_closed, signal_anything, block_anything, pipe_anything, check_signal };

/// A model of a few lines: who lives, and what waits for whom.
fn run(_: void, smith: *std.testing.Smith) !void {
    const agent: u32 = @intCast(agents.open());
    defer agents.close(agent);
    var open: [8]?Life = @splat(null);
    var closed: [8]u64 = @splat(0);
    while (!smith.eos()) {
        const place = smith.index(open.len);
        switch (smith.value(Call)) {
            .open => if (open[place] == null) {
                const slot: u32 = @intCast(records.open(agent, 0));
                open[place] = .{ .slot = slot, .handle = records.handle(slot) };
                for (closed) |handle| try std.testing.expect(handle != open[place].?.handle);
            },
            .close => if (open[place]) |life| {
                records.retire(life.slot);
                records.release(life.slot);
                closed[place] = life.handle;
                open[place] = null;
            },
            .signal => if (open[place]) |*life| {
                const value = anyValue(smith);
                try std.testing.expectEqual(1, records.signalChecked(life.handle, value));
                life.pending = if (value == 0) 1 else value;
            },
            .signal_closed => if (closed[place] != 0) {
                try std.testing.expectEqual(0, records.signalChecked(closed[place], 1));
                records.signal(closed[place], 1);
            },
            .signal_anything => {
                const handle = anyHandle(smith);
                const value = anyValue(smith);
                const was = isOpen(&open, handle);
                const answer = records.signalChecked(handle, value);
                if (was) |life| {
                    try std.testing.expectEqual(1, answer);
                    life.pending = if (value == 0) 1 else value;
                } else {
                    try std.testing.expect(answer == 0 or answer == Status.forged.code());
                    records.signal(handle, value);
                }
            },
            .block_anything => {
                const handle = anyHandle(smith);
                if (isOpen(&open, handle) != null) continue;
                records.block(handle);
                records.unblock(handle);
            },
            .pipe_anything => {
                // No EventPipe is open: all of them are nobody's.
                const handle = anyHandle(smith);
                event_pipe.signal(handle);
                event_pipe.drain(handle);
                const slot = event_pipe.adopt(agent, smith.valueRangeAtMost(i32, std.math.minInt(i32), -1), smith.value(i32));
                try std.testing.expect(slot < 0);
            },
            .check_signal => {
                const signal = if (smith.value(bool)) smith.valueRangeAtMost(u32, 0, 70) else smith.value(u32);
                const answer = hook.check(signal);
                const exists = signal >= 1 and signal <= 64;
                try std.testing.expectEqual(!exists, answer == Status.unknown_signal.code());
            },
        }
        for (open) |maybe| if (maybe) |life| {
            try std.testing.expectEqual(life.pending, records.get(life.slot).head.word.load(.seq_cst));
            try std.testing.expectEqual(0, records.get(life.slot).blocked);
        };
    }
}

fn anyValue(smith: *std.testing.Smith) i32 {
    return if (smith.value(bool)) smith.valueRangeAtMost(i32, -1, 1) else smith.value(i32);
}

/// Anything, or nearly one that was given: a slot and a generation.
fn anyHandle(smith: *std.testing.Smith) u64 {
    if (smith.value(bool)) return smith.value(u64);
    return smith.valueRangeAtMost(u64, 0, 9) << 32 | smith.valueRangeAtMost(u64, 0, 9);
}

fn isOpen(open: *[8]?Life, handle: u64) ?*Life {
    for (open) |*maybe| if (maybe.*) |*life| if (life.handle == handle) return life;
    return null;
}

test "the boundary refuses what nobody was given, and only that" {
    try std.testing.fuzz({}, run, .{});
}
