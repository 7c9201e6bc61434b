//! System calls of the stress: no sleeps, no libc where a signal handler may be running.
const std = @import("std");
const linux = std.os.linux;

/// What is raised, and hooked. Each starts with a disposition of its own (main.zig), and returns to
/// it.
pub const signals = [_]linux.SIG{
    .USR1, .USR2, .URG,  .WINCH,
    .HUP,  .QUIT, .ALRM, .PROF,
    .IO,   .PWR,  .XCPU, .XFSZ,
};
pub fn isSignal(number: i32) bool {
    for (signals) |signal| if (@backingInt(signal) == number) return true;
    return false;
}

/// Its handler yields: a thread is held up between any two instructions, far more often than the
/// kernel would do it.
pub const preempts: linux.SIG = .VTALRM;

/// ThreadSanitizer's runtime takes locks that no signal handler may find taken by the code it
/// interrupts, and it does not know of handlers that were installed by a bare system call. So in
/// that build every thread blocks the signals but inside ppoll(2): there the handler interrupts the
/// kernel alone, as it does in a loop at rest. In the other builds it interrupts anything, the
/// library's own code too.
const anywhere = !@import("builtin").sanitize_thread;

fn signalSet() linux.sigset_t {
    var set = linux.sigemptyset();
    for (signals ++ .{preempts}) |signal| linux.sigaddset(&set, signal);
    return set;
}

/// Threads that are started from here on inherit it.
pub fn blockSignals() void {
    _ = linux.sigprocmask(linux.SIG.BLOCK, &signalSet(), null);
}

/// For a thread that real signals shall interrupt.
pub fn openToSignals() void {
    if (anywhere) _ = linux.sigprocmask(linux.SIG.UNBLOCK, &signalSet(), null);
}

/// Whether `fd` became readable; a signal ends the wait early. -1 is no descriptor: only signals
/// are taken.
pub fn poll(fd: i32, timeout_ns: u32) bool {
    var fds = [_]linux.pollfd{.{ .fd = fd, .events = linux.POLL.IN, .revents = 0 }};
    var timeout: linux.timespec = .{ .sec = 0, .nsec = timeout_ns };
    const none = linux.sigemptyset();
    const result = linux.ppoll(&fds, 1, &timeout, if (anywhere) null else &none);
    return linux.errno(result) == .SUCCESS and result == 1;
}

pub const Target = union(enum) { self, process, thread: i32 };

/// kill(2) or tgkill(2). One to itself, or to the process, is never lost; a thread may end before
/// it took its own.
pub fn raise(target: Target, signal: linux.SIG) void {
    switch (target) {
        .self => {
            _ = linux.tgkill(linux.getpid(), linux.gettid(), signal);
            // Where signals are blocked it waits for this.
            if (!anywhere) _ = poll(-1, 0);
        },
        .process => _ = linux.kill(linux.getpid(), signal),
        .thread => |id| _ = linux.tgkill(linux.getpid(), id, signal),
    }
}

pub fn now() u64 {
    var time: linux.timespec = undefined;
    _ = linux.clock_gettime(.MONOTONIC, &time);
    return @as(u64, @intCast(time.sec)) * std.time.ns_per_s + @as(u64, @intCast(time.nsec));
}

/// A counter that threads wait for.
pub const Counter = struct {
    word: std.atomic.Value(u32) = .init(0),

    pub fn get(counter: *Counter) u32 {
        return counter.word.load(.acquire);
    }

    pub fn add(counter: *Counter) void {
        _ = counter.word.fetchAdd(1, .acq_rel);
        _ = linux.futex_3arg(
            &counter.word.raw,
            .{ .cmd = .WAKE, .private = true },
            std.math.maxInt(i32),
        );
    }

    /// Waits while it is `value`; gives the new one.
    pub fn waitWhile(counter: *Counter, value: u32) u32 {
        while (true) {
            const current = counter.get();
            if (current != value) return current;
            _ = linux.futex_4arg(
                &counter.word.raw,
                .{ .cmd = .WAIT, .private = true },
                value,
                null,
            );
        }
    }

    pub fn waitFor(counter: *Counter, value: u32) void {
        var current = counter.get();
        while (current != value) current = counter.waitWhile(current);
    }
};

/// How many descriptors are open. The kernel gives the lowest number that is free: there are none
/// far up.
pub fn descriptors() u32 {
    var count: u32 = 0;
    for (0..4096) |fd| {
        if (linux.errno(linux.fcntl(@intCast(fd), linux.F.GETFD, 0)) == .SUCCESS) count += 1;
    }
    return count;
}

/// The kernel's bytes.
pub fn disposition(signal: linux.SIG) linux.k_sigaction {
    var result: linux.k_sigaction = undefined;
    const failed = linux.syscall4(
        .rt_sigaction,
        @backingInt(signal),
        0,
        @intFromPtr(&result),
        linux.NSIG / 8,
    );
    std.debug.assert(failed == 0);
    return result;
}

pub fn setDisposition(signal: linux.SIG, new: linux.k_sigaction) void {
    const failed = linux.syscall4(
        .rt_sigaction,
        @backingInt(signal),
        @intFromPtr(&new),
        0,
        linux.NSIG / 8,
    );
    std.debug.assert(failed == 0);
}
