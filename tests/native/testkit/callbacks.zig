//! Native callbacks, and calls of what an address points to.
const builtin = @import("builtin");
const linux = @import("std").os.linux;
const windows = @import("windows_api.zig");

pub const ValueFunction = *const fn (u64, i32) callconv(.c) void;
pub const PlainFunction = *const fn (u64) callconv(.c) void;

pub fn callValue(func: u64, arg: u64, value: i32) callconv(.c) void {
    @as(ValueFunction, @ptrFromInt(func))(arg, value);
}

pub fn call(func: u64, arg: u64) callconv(.c) void {
    @as(PlainFunction, @ptrFromInt(func))(arg);
}

pub fn callInt(func: u64, arg: u64) callconv(.c) i32 {
    return @as(*const fn (u64) callconv(.c) c_int, @ptrFromInt(func))(arg);
}

const Counter = struct { count: u32 = 0, value: i32 = 0, thread: i32 = 0 };
var counters: [128]Counter = @splat(.{});

fn callback(arg: u64, value: i32) callconv(.c) void {
    const counter = &counters[arg];
    counter.* = .{ .count = counter.count + 1, .value = value, .thread = threadId() };
}

fn threadId() i32 {
    if (builtin.os.tag == .windows) return @bitCast(windows.GetCurrentThreadId());
    return linux.gettid();
}

pub fn callbackAddress() callconv(.c) u64 {
    return @intFromPtr(&callback);
}

pub fn callbackCount(counter: u32) callconv(.c) u32 {
    return counters[counter].count;
}

pub fn callbackValue(counter: u32) callconv(.c) i32 {
    return counters[counter].value;
}

pub fn callbackThread(counter: u32) callconv(.c) i32 {
    return counters[counter].thread;
}

var forward_func: ?ValueFunction = null;
var forward_arg: u64 = 0;

fn forward(_: u64, value: i32) callconv(.c) void {
    if (forward_func) |func| func(forward_arg, value);
}

pub fn forwardAddress() callconv(.c) u64 {
    return @intFromPtr(&forward);
}

pub fn forwardTo(func: u64, arg: u64) callconv(.c) void {
    forward_func = @ptrFromInt(func);
    forward_arg = arg;
}
