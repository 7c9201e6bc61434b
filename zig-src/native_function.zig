//! Functions and memory as addresses, for JavaScript that has only numbers.
const std = @import("std");
const event_pipe = @import("event_pipe.zig");
const invariant = @import("invariant.zig").invariant;
const platform = @import("platform.zig");
const realm = @import("realm.zig");
const record = @import("record.zig");
const Status = @import("status.zig").Status;

/// The functions that other native code is given; agent_close is for engines.
pub const Which = enum(u32) { signal, block, unblock, poll, pipe_signal, pipe_drain, agent_close };

pub fn address(which: u32) callconv(.c) u64 {
    // The switch below jumps by a table.
    invariant(which < std.enums.values(Which).len);
    return switch (@as(Which, @fromBackingInt(which))) {
        .signal => @intFromPtr(&record.signal),
        .block => @intFromPtr(&record.block),
        .unblock => @intFromPtr(&record.unblock),
        .poll => @intFromPtr(&record.poll),
        .pipe_signal => @intFromPtr(&event_pipe.signal),
        .pipe_drain => @intFromPtr(&event_pipe.drain),
        .agent_close => @intFromPtr(&realm.closeCollected),
    };
}

pub fn check(func: u64) callconv(.c) i32 {
    return if (platform.isExecutable(func)) 0 else Status.forged.code();
}

pub fn call(func: u64, arg: u64, value: i32) callconv(.c) void {
    const function: *const fn (u64, i32) callconv(.c) void = @ptrFromInt(func);
    function(arg, value);
}

pub const Operation = enum(u32) { load, exchange, bit_and, bit_or };

pub fn memory(word_address: u64, operation: u32, value: i32) callconv(.c) i32 {
    invariant(operation < std.enums.values(Operation).len);
    const word: *std.atomic.Value(i32) = @ptrFromInt(word_address);
    return switch (@as(Operation, @fromBackingInt(operation))) {
        .load => word.load(.seq_cst),
        .exchange => word.swap(value, .seq_cst),
        .bit_and => word.fetchAnd(value, .seq_cst),
        .bit_or => word.fetchOr(value, .seq_cst),
    };
}
