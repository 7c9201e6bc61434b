//! The work() of the event loops of docs/event_loops.md: it counts how often they were woken.
const std = @import("std");

var expected: std.atomic.Value(u32) = .init(0);
var count: std.atomic.Value(u32) = .init(0);

/// Before the loop starts: the loop ends when it was woken so often.
pub fn expect(turns: u32) void {
    count.store(0, .seq_cst);
    expected.store(turns, .seq_cst);
}

/// How often the loop was woken.
pub fn seen() u32 {
    return count.load(.seq_cst);
}

fn work() callconv(.c) c_int {
    return @intFromBool(count.fetchAdd(1, .seq_cst) + 1 < expected.load(.seq_cst));
}

comptime {
    // Hidden: the testkit and the addon of uv_poll.zig each have one.
    @export(&work, .{ .name = "work", .visibility = .hidden });
}
