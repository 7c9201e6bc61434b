//! What a native call returns: zero or a positive value for success, else one of these. JavaScript
//! throws the error that `errors` names.

/// A failed system call is `system - errno`, so that one number carries both.
///
/// Inside the library a status is an i32 too. A Zig error has no room for errno. A union of result
/// and status has, but `try` does not take it: so written, EventPipes took 320 bytes more.
pub const Status = enum(i32) {
    ok = 0,
    bad_fd = -2,
    reserved_signal = -3,
    unsupported = -4,
    blocking_fd = -5,
    wrong_direction = -6,
    forged = -7,
    full = -8,
    unknown_signal = -9,
    system = -1000,

    pub fn code(status: Status) i32 {
        return @backingInt(status);
    }

    /// For functions that return a token, which is no negative int64.
    pub fn asToken(status: Status) u64 {
        return @bitCast(@as(i64, status.code()));
    }

    pub fn ofErrno(errno: u16) i32 {
        return @backingInt(Status.system) - @as(i32, errno);
    }
};

/// A status, the `code` of its InterruptError, and the reason. `forged` and `unknown_signal` are
/// not here: JavaScript asks for them, and throws nothing of its own.
pub const errors = .{
    .{ Status.bad_fd, "BAD_FD", "a descriptor is not open: was it closed meanwhile?" },
    .{ Status.reserved_signal, "RESERVED_SIGNAL", "the signal cannot be caught, is a synchronous fault, or belongs to libc: choose another" },
    .{ Status.unsupported, "UNSUPPORTED", "this platform cannot do it" },
    .{ Status.blocking_fd, "BAD_FD", "a descriptor is blocking: set O_NONBLOCK on both first" },
    .{ Status.wrong_direction, "BAD_FD", "the read side must be readable and the write side writable: are they swapped?" },
    .{ Status.full, "SYSTEM", "no native memory or no slot is left: close what is no longer needed" },
};
