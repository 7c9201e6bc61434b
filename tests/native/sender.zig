//! The other process that signals: `sender PID SPEC...`, each SPEC one of `12x1000` (signal 12, a
//! thousand times), `12` (once), `pause:1000` (microseconds), `stamps` (at the end, print when each
//! signal was sent: monotonic nanoseconds).
const std = @import("std");
const linux = std.os.linux;

var stamps: [65536]u64 = undefined;

pub fn main(init: std.process.Init.Minimal) !void {
    var wants_stamps = false;
    var sent: usize = 0;
    var args = init.args.iterate();
    _ = args.next();
    const target = try std.fmt.parseInt(i32, args.next() orelse return error.NoProcessGiven, 10);
    while (args.next()) |spec| {
        if (std.mem.eql(u8, spec, "stamps")) {
            wants_stamps = true;
            continue;
        }
        if (std.mem.startsWith(u8, spec, "pause:")) {
            const microseconds = try std.fmt.parseInt(u32, spec["pause:".len..], 10);
            const nanoseconds = @as(i64, microseconds) * std.time.ns_per_us;
            const time: linux.timespec = .{
                .sec = @divTrunc(nanoseconds, std.time.ns_per_s),
                .nsec = @rem(nanoseconds, std.time.ns_per_s),
            };
            _ = linux.nanosleep(&time, null);
            continue;
        }
        var parts = std.mem.splitScalar(u8, spec, 'x');
        const signal = try std.fmt.parseInt(u32, parts.first(), 10);
        const count = try std.fmt.parseInt(u32, parts.next() orelse "1", 10);
        for (0..count) |_| {
            if (wants_stamps) stamps[sent % stamps.len] = now();
            sent += 1;
            const result = linux.syscall2(.kill, @as(u32, @bitCast(target)), signal);
            if (linux.errno(result) != .SUCCESS) return error.CannotSignal;
        }
    }
    if (wants_stamps) try print(stamps[0..@min(sent, stamps.len)]);
}

fn now() u64 {
    var time: linux.timespec = undefined;
    _ = linux.clock_gettime(.MONOTONIC, &time);
    return @as(u64, @intCast(time.sec)) * std.time.ns_per_s + @as(u64, @intCast(time.nsec));
}

fn print(times: []const u64) !void {
    var line: [32]u8 = undefined;
    for (times) |time| {
        const text = try std.fmt.bufPrint(&line, "{d}\n", .{time});
        _ = linux.write(1, text.ptr, text.len);
    }
}
