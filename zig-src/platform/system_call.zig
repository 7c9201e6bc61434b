//! The one place that calls the kernel, and libc and libuv where only they can answer. It is a name
//! for std.os.linux and no more, except in a program whose root file has a `fail`: the test build
//! that makes calls fail (tests/native/faulty.zig).
const root = @import("root");
const std = @import("std");
const linux = std.os.linux;

const can_fail = @hasDecl(root, "fail");

/// Calls `function`, which is std.os.linux's wrapper of the call with this number, or a raw
/// `linux.syscall*`.
pub inline fn call(comptime number: linux.SYS, function: anytype, arguments: anytype) usize {
    if (can_fail) if (root.fail(@backingInt(number))) |errno| {
        // Whatever it answers, Linux has closed the descriptor.
        if (number == .close) _ = @call(.auto, function, arguments);
        return @bitCast(-@as(isize, errno));
    };
    return @call(.auto, function, arguments);
}

/// What the test build counts the process's own functions as.
pub const Function = enum(u32) {
    pthread_key_create = 1000,
    pthread_setspecific,
    uv_async_init,
    uv_signal_init,
    uv_signal_start,
};

/// Calls a function of the process that answers with an errno, or a negative one.
pub inline fn callFunction(comptime name: Function, function: anytype, arguments: anytype) c_int {
    if (can_fail) if (root.fail(@backingInt(name))) |errno| return errno;
    return @call(.auto, function, arguments);
}
