//! Raw system calls.
const linux = @import("std").os.linux;

/// The result of a raw system call: as it is, or -errno.
pub fn answer(result: usize) i32 {
    return switch (linux.errno(result)) {
        .SUCCESS => @intCast(result),
        else => |errno| -@as(i32, @backingInt(errno)),
    };
}

/// Bytes of the kernel's sigset_t, for rt_sigaction(2) and rt_sigprocmask(2).
pub const sigset_size = 8;
