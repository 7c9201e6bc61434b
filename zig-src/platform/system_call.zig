//! All calls of the kernel go through here, and those of libc and libuv that can fail. It adds
//! nothing to them, except in the test build whose root file has a `fail`, which makes calls fail
//! (tests/native/faulty.zig).
const root = @import("root");
const std = @import("std");
const linux = std.os.linux;

const can_fail = @hasDecl(root, "fail");

/// Calls `function`, which is std.os.linux's wrapper of the call with this number, or a raw
/// `linux.syscall*`.
pub inline fn call(comptime number: linux.SYS, function: anytype, arguments: anytype) usize {
    if (can_fail) if (root.fail(@backingInt(number))) |errno| {
        // Even where close(2) fails, Linux has closed the descriptor.
        if (number == .close) _ = @call(.auto, function, arguments);
        return @bitCast(-@as(isize, errno));
    };
    return @call(.auto, function, arguments);
}

/// The functions of the process, numbered for the test build beside the system calls.
pub const Function = enum(u32) {
    pthread_key_create = 1000,
    pthread_setspecific,
    uv_async_init,
    uv_signal_init,
    uv_signal_start,
    pthread_create,
};

/// Calls a function of the process that returns an errno, or a negative errno.
pub inline fn callFunction(comptime name: Function, function: anytype, arguments: anytype) c_int {
    if (can_fail) if (root.fail(@backingInt(name))) |errno| return errno;
    return @call(.auto, function, arguments);
}
