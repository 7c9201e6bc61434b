//! Turns a hang, and any other failure, into a message that says where each thread is.
const std = @import("std");
const linux = std.os.linux;
const system = @import("system.zig");

pub const Phase = enum(u8) {
    absent,
    parked,
    signals,
    raises,
    @"waits for the callback of what it sent",
    @"waits for the callback of a signal it raised",
    opens,
    closes,
    blocks,
    @"runs its loop",
    @"runs a checkpoint",
    @"changes options",
    @"waits for a wake",
    @"waits for a pipe",
    ends,
};

/// Longer than any round, on a busy machine and under ThreadSanitizer too.
const patience = 20 * std.time.ns_per_s;

var phases: [64]std.atomic.Value(Phase) = @splat(.init(.absent));
var seed: u64 = 0;
var variant: []const u8 = "";
var alive: std.atomic.Value(u64) = .init(0);
var failing: std.atomic.Value(bool) = .init(false);

/// What lane `lane` does from here on.
pub fn note(lane: usize, phase: Phase) void {
    phases[lane].store(phase, .monotonic);
}

pub fn start(name: []const u8, the_seed: u64) !void {
    variant = name;
    seed = the_seed;
    reset();
    (try std.Thread.spawn(.{}, watch, .{})).detach();
}

/// A round has ended.
pub fn reset() void {
    alive.store(system.now(), .monotonic);
}

fn watch() void {
    while (true) {
        const left = alive.load(.monotonic) + patience -| system.now();
        if (left == 0) fail("a round did not end", .{});
        _ = linux.nanosleep(&.{ .sec = @intCast(left / std.time.ns_per_s), .nsec = @intCast(left % std.time.ns_per_s) }, null);
    }
}

pub fn fail(comptime message: []const u8, arguments: anytype) noreturn {
    // The first one speaks.
    while (failing.swap(true, .acq_rel)) _ = linux.pause();
    std.debug.print("stress {s}, seed {d}: " ++ message ++ "\n", .{ variant, seed } ++ arguments);
    for (&phases, 0..) |*phase, lane| {
        const current = phase.load(.monotonic);
        if (current != .absent) std.debug.print("  thread {d}: {t}\n", .{ lane, current });
    }
    linux.exit_group(1);
}
