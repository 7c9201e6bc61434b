//! What a native call returns: zero or a positive value for success, else one of these. JavaScript
//! throws the error that `errors` names.

/// What can fail, by the name that the error gives it.
pub const Call = enum(u8) {
    sigaction,
    eventfd,
    pipe2,
    socketpair,
    fcntl,
    statx,
    kcmp,
    dup3,
    ppoll,
    clock_gettime,
    send,
    read,
    write,
    open,
    pthread_key_create,
    pthread_create,
    uv_async_init,
    uv_signal_start,
    // Those of Windows.
    SetConsoleCtrlHandler,
    FlsAlloc,
    CreateThread,
    WSAStartup,
    WSADuplicateSocket,
    WSAPoll,
    socket,
    setsockopt,
    ioctlsocket,
    bind,
    listen,
    connect,
    accept,
    getsockname,
    getpeername,
    // Those of macOS.
    pipe,
    fstat,
    dup2,
    poll,
};

/// Of a status: above errno stands the call.
pub const call_step = 4096;

/// A failed call is `system` less its number and errno, so that one number carries all three.
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
    undelivered = -10,
    system = -1000,

    pub fn code(status: Status) i32 {
        return @backingInt(status);
    }

    /// For functions that return a token, which is no negative int64.
    pub fn asToken(status: Status) u64 {
        return @bitCast(@as(i64, status.code()));
    }

    pub fn ofErrno(call: Call, errno: u16) i32 {
        return @backingInt(Status.system) - @as(i32, @backingInt(call)) * call_step - errno;
    }

    /// The errno of a status, whatever call it came from; null if it is none of a failed call.
    pub fn errnoOf(status: i32) ?u16 {
        const system = @backingInt(Status.system);
        return if (status < system) @intCast(@mod(system - status, call_step)) else null;
    }
};

/// A status, the `code` of its InterruptError, and the reason. `forged` and `unknown_signal` are
/// not here: JavaScript asks for them, and throws nothing of its own.
pub const errors = .{
    .{ Status.bad_fd, "BAD_FD", "a descriptor is not open: was it closed meanwhile?" },
    .{ Status.reserved_signal, "RESERVED_SIGNAL", "the signal cannot be caught, is a synchronous fault, or belongs to libc: choose another" },
    .{ Status.unsupported, "UNSUPPORTED", "this platform cannot do it" },
    .{ Status.undelivered, "UNSUPPORTED", "Windows delivers no such signal: choose INT (Ctrl-C), BREAK (Ctrl-Break) or HUP (the console is closed)" },
    .{ Status.blocking_fd, "BAD_FD", "a descriptor is blocking: set O_NONBLOCK on both first" },
    .{ Status.wrong_direction, "BAD_FD", "the read side must be readable and the write side writable: are they swapped?" },
    .{ Status.full, "SYSTEM", "no native memory or no slot is left: close what is no longer needed" },
};
