//! The monotonic clock, and equal steps by it.
const std = @import("std");
const linux = std.os.linux;

pub fn nowNs() callconv(.c) u64 {
    var time: linux.timespec = undefined;
    _ = linux.clock_gettime(.MONOTONIC, &time);
    return @intCast(@as(i64, time.sec) * std.time.ns_per_s + time.nsec);
}

/// Steps of one length, however long the calls between them take.
pub const Clock = struct {
    next: u64,
    interval: u64,

    pub fn start(interval: u64) Clock {
        return .{ .next = nowNs(), .interval = interval };
    }

    pub fn wait(clock: *Clock) void {
        if (clock.interval == 0) return;
        clock.next += clock.interval;
        const time: linux.timespec = .{
            .sec = @intCast(clock.next / std.time.ns_per_s),
            .nsec = @intCast(clock.next % std.time.ns_per_s),
        };
        while (linux.errno(linux.clock_nanosleep(
            .MONOTONIC,
            .{ .ABSTIME = true },
            &time,
            null,
        )) == .INTR) {}
    }
};
