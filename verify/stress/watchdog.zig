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

/// Longer than any round under ThreadSanitizer, on a machine that does nothing else; see load().
const patience = 20 * std.time.ns_per_s;
/// Between two looks.
const period = std.time.ns_per_s / 4;

var phases: [64]std.atomic.Value(Phase) = @splat(.init(.absent));
var seed: u64 = 0;
var variant: []const u8 = "";
var left: std.atomic.Value(i64) = .init(patience);
/// Open from the start: the rounds count the descriptors.
var loadavg: i32 = -1;
var failing: std.atomic.Value(bool) = .init(false);

/// What lane `lane` does from here on.
pub fn note(lane: usize, phase: Phase) void {
    phases[lane].store(phase, .monotonic);
}

pub fn start(name: []const u8, the_seed: u64) !void {
    variant = name;
    seed = the_seed;
    loadavg = @truncate(@as(isize, @bitCast(linux.open("/proc/loadavg", .{ .CLOEXEC = true }, 0))));
    (try std.Thread.spawn(.{}, watch, .{})).detach();
}

/// A round has ended.
pub fn reset() void {
    left.store(patience, .monotonic);
}

fn watch() void {
    while (true) {
        // Looks are counted, and no time: while this process does not get to run none passes.
        _ = linux.nanosleep(&.{ .sec = 0, .nsec = period }, null);
        const passed = @divTrunc(period, load());
        if (left.fetchSub(passed, .monotonic) <= passed) fail("a round did not end", .{});
    }
}

/// How many tasks of the machine want to run for each processor: 1 to 8, since the threads of the
/// stress are among them.
fn load() i64 {
    // "0.20 0.18 0.12 3/80 11206": three want to run, one of them is this one.
    var buffer: [64]u8 = undefined;
    const length = linux.pread(loadavg, &buffer, buffer.len, 0);
    if (linux.errno(length) != .SUCCESS) return 1;
    const before = std.mem.sliceTo(buffer[0..length], '/');
    const running = std.fmt.parseInt(
        i64,
        before[std.mem.findLast(u8, before, " ").? + 1 ..],
        10,
    ) catch return 1;
    const processors: i64 = @intCast(std.Thread.getCpuCount() catch 1);
    return std.math.clamp(@divTrunc(running - 1, processors), 1, 8);
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
