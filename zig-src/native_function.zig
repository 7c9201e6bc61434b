//! Functions and memory as addresses, for JavaScript that has only numbers.
const std = @import("std");
const agent = @import("agent.zig");
const event_pipe = @import("event_pipe.zig");
const platform = @import("platform.zig");
const record = @import("record.zig");
const Status = @import("status.zig").Status;

/// The functions that other native code is given; agent_close is for engines.
pub const Which = enum(u32) { signal, block, unblock, pipe_signal, pipe_drain, agent_close };

pub fn address(which: u32) callconv(.c) u64 {
    return switch (@as(Which, @fromBackingInt(which))) {
        .signal => @intFromPtr(&record.signal),
        .block => @intFromPtr(&record.block),
        .unblock => @intFromPtr(&record.unblock),
        .pipe_signal => @intFromPtr(&event_pipe.signal),
        .pipe_drain => @intFromPtr(&event_pipe.drain),
        .agent_close => @intFromPtr(&agent.closeCollected),
    };
}

pub fn check(func: u64) callconv(.c) i32 {
    return if (platform.isExecutable(func)) 0 else Status.forged.code();
}

pub fn call(func: u64, arg: u64, value: i32) callconv(.c) void {
    const function: *const fn (u64, i32) callconv(.c) void = @ptrFromInt(func);
    function(arg, value);
}

pub fn memory(word_address: u64, operation: u32, value: i32) callconv(.c) i32 {
    const word: *std.atomic.Value(i32) = @ptrFromInt(word_address);
    return switch (operation) {
        0 => word.load(.seq_cst),
        1 => word.swap(value, .seq_cst),
        2 => word.fetchAnd(value, .seq_cst),
        3 => word.fetchOr(value, .seq_cst),
        else => unreachable,
    };
}
