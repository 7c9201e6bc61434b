//! Functions and memory as addresses, for JavaScript that has only numbers.
const std = @import("std");
const event_pipe = @import("event_pipe.zig");
const platform = @import("platform.zig");
const record = @import("record.zig");
const Status = @import("status.zig").Status;

pub fn address(which: u32) callconv(.c) u64 {
    return switch (which) {
        0 => @intFromPtr(&record.signal),
        1 => @intFromPtr(&record.block),
        2 => @intFromPtr(&record.unblock),
        3 => @intFromPtr(&event_pipe.signal),
        4 => @intFromPtr(&event_pipe.drain),
        else => unreachable,
    };
}

pub fn check(func: u64) callconv(.c) i32 {
    return if (platform.isExecutable(func)) 0 else Status.forged.code();
}

pub fn call(func: u64, arg: u64, value: i32) callconv(.c) void {
    const function: *const fn (u64, i32) callconv(.c) void = @ptrFromInt(func);
    function(arg, value);
}

const Word = *std.atomic.Value(i32);

pub fn load(word: u64) callconv(.c) i32 {
    return @as(Word, @ptrFromInt(word)).load(.seq_cst);
}

pub fn exchange(word: u64, value: i32) callconv(.c) i32 {
    return @as(Word, @ptrFromInt(word)).swap(value, .seq_cst);
}

pub fn fetchAnd(word: u64, value: i32) callconv(.c) i32 {
    return @as(Word, @ptrFromInt(word)).fetchAnd(value, .seq_cst);
}

pub fn fetchOr(word: u64, value: i32) callconv(.c) i32 {
    return @as(Word, @ptrFromInt(word)).fetchOr(value, .seq_cst);
}
