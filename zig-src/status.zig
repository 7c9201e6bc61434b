//! What a native call answers: zero or a positive value for success, else one of these. `errors.ts`
//! maps them back.

/// A failed system call is `system - errno`, so that one number carries both.
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

    pub fn ofErrno(errno: u16) i32 {
        return @backingInt(Status.system) - @as(i32, errno);
    }
};
