//! The library in a build where one call to the kernel or libc can be told to fail: see `fail`.
const std = @import("std");
const library = @import("async_interrupt");

pub const functions = .{
    .{ "fault", arm, .{ "number", "nth", "errno" }, "The nth call of this number from now on, on any thread, fails once with errno; nth 0: none does. Counts anew." },
    .{ "fault_calls", callsOf, .{"number"}, "How many calls of this number there were." },
    .{ "fault_numbers", highest, .{}, "Call numbers are below this." },
};

comptime {
    // Its exports.
    _ = library;
}

const numbers = 1002;

var calls: [numbers]std.atomic.Value(u32) = @splat(.init(0));
var armed: struct { number: std.atomic.Value(u32), nth: u32, errno: u16 } = .{ .number = .init(0), .nth = 0, .errno = 0 };

/// Asked by zig-src/platform/system_call.zig before each call; also in signal handlers.
pub fn fail(number: u32) ?u16 {
    const nth = calls[number].fetchAdd(1, .seq_cst) + 1;
    return if (armed.number.load(.acquire) == number and armed.nth == nth) armed.errno else null;
}

fn arm(number: u32, nth: u32, errno: i32) callconv(.c) void {
    // Nobody makes calls meanwhile that the test is about.
    for (&calls) |*count| count.store(0, .seq_cst);
    armed.nth = nth;
    armed.errno = @intCast(errno);
    armed.number.store(number, .release);
}

fn callsOf(number: u32) callconv(.c) u32 {
    return calls[number].load(.seq_cst);
}

fn highest() callconv(.c) u32 {
    return numbers;
}
