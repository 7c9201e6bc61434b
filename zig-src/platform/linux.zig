//! Linux, by raw system calls: the library needs no libc of its own, so one file serves glibc and
//! musl hosts. Raw calls do not touch errno either, which a signal handler must leave alone. What
//! each function promises is in ../platform.zig; here is why it does so in this way.
const builtin = @import("builtin");
const std = @import("std");
const linux = std.os.linux;
const assert = std.debug.assert;
const call = @import("system_call.zig").call;
const callFunction = @import("system_call.zig").callFunction;
const fromHost = @import("from_host.zig").fromHost;
const Call = @import("../status.zig").Call;
const Status = @import("../status.zig").Status;

pub const Fd = i32;

/// The result of a system call, or a negative status.
fn answer(which: Call, result: usize) i32 {
    const signed: isize = @bitCast(result);
    return if (signed < 0) Status.ofErrno(which, @intCast(-signed)) else @intCast(signed);
}

// Signals

/// The highest signal number (SIGRTMAX).
pub const signal_max = 64;

/// The kernel's own struct, kept and given back as it was read, so that restoring is exact.
pub const Disposition = linux.k_sigaction;

pub const Handler = *const fn (i32, ?*const anyopaque, ?*anyopaque) callconv(.c) void;

pub fn isReserved(signal: u32) bool {
    return switch (signal) {
        // Cannot be caught.
        @backingInt(linux.SIG.KILL), @backingInt(linux.SIG.STOP) => true,
        // Synchronous faults: returning from the handler runs into the same instruction again.
        @backingInt(linux.SIG.SEGV), @backingInt(linux.SIG.BUS), @backingInt(linux.SIG.ILL) => true,
        @backingInt(linux.SIG.FPE), @backingInt(linux.SIG.TRAP), @backingInt(linux.SIG.SYS) => true,
        @backingInt(linux.SIG.ABRT) => true,
        // libc's own: thread cancellation, setuid in all threads, and (musl) one more.
        32...34 => true,
        else => false,
    };
}

pub fn delivers(_: u32) bool {
    return true;
}

fn sigaction(signal: u32, new: usize, old: usize) usize {
    const sigset_size = 8;
    return call(.rt_sigaction, linux.syscall4, .{ .rt_sigaction, signal, new, old, sigset_size });
}

pub fn disposition(signal: u32, out: *Disposition) i32 {
    return answer(.sigaction, sigaction(signal, 0, @intFromPtr(out)));
}

pub fn setDisposition(signal: u32, new: *const Disposition) i32 {
    return answer(.sigaction, sigaction(signal, @intFromPtr(new), 0));
}

pub fn swapDisposition(signal: u32, new: *const Disposition, old: *Disposition) i32 {
    return answer(.sigaction, sigaction(signal, @intFromPtr(new), @intFromPtr(old)));
}

/// RESTART: blocking reads go on. ONSTACK: Go and Deno require it. All signals are masked while the
/// handler runs, so that two frames never share a small alternate stack (8 KiB in Deno; a frame
/// with AVX-512 state takes 3 of them).
pub fn ours(handler: Handler) Disposition {
    var result = std.mem.zeroes(Disposition);
    result.handler = @ptrCast(handler);
    result.flags = linux.SA.SIGINFO | linux.SA.RESTART | linux.SA.ONSTACK;
    // On arm64 the kernel has one of its own, which debuggers and unwinders know.
    if (builtin.cpu.arch == .x86_64) {
        result.flags |= linux.SA.RESTORER;
        result.restorer = @ptrCast(&linux.restore_rt);
    }
    result.mask = @splat(std.math.maxInt(std.meta.Child(linux.sigset_t)));
    return result;
}

pub fn ignored() Disposition {
    var result = std.mem.zeroes(Disposition);
    result.handler = @ptrFromInt(1);
    return result;
}

pub fn isOneShot(old: *const Disposition) bool {
    return old.flags & linux.SA.RESETHAND != 0;
}

/// With the siginfo as it came: what the sender and the kernel have said of the signal.
pub fn send(signal: u32) void {
    _ = call(.kill, linux.syscall2, .{ .kill, linux.syscall0(.getpid), signal });
}

pub fn sendAgain(signal: u32, info: ?*const anyopaque) void {
    const process = linux.syscall0(.getpid);
    const thread = linux.syscall0(.gettid);
    _ = call(
        .rt_tgsigqueueinfo,
        linux.syscall4,
        .{ .rt_tgsigqueueinfo, process, thread, signal, @intFromPtr(info) },
    );
}

/// Passes three arguments to a handler that takes one as well: in the C ABI it does not see the
/// others.
pub fn chain(handler: usize, signal: i32, info: ?*const anyopaque, context: ?*anyopaque) void {
    // SIG_DFL and SIG_IGN: nothing to call.
    if (handler <= 1) return;
    const function: Handler = @ptrFromInt(handler);
    function(signal, info, context);
}

/// The errno of the interrupted code. Only foreign code that a handler calls, uv_async_send, can
/// change it.
pub const Errno = struct {
    location: ?*c_int,
    value: c_int,

    pub fn save() Errno {
        const locate = fromHost(__errno_location) orelse return .{ .location = null, .value = 0 };
        const location = locate();
        return .{ .location = location, .value = location.* };
    }

    pub fn restore(saved: Errno) void {
        if (saved.location) |location| location.* = saved.value;
    }
};

const __errno_location = @extern(
    ?*const fn () callconv(.c) *c_int,
    .{ .name = "__errno_location", .linkage = .weak },
);

// Threads and memory

pub fn map(size: usize) ?[*]align(std.heap.page_size_min) u8 {
    const access: linux.PROT = .{ .READ = true, .WRITE = true };
    const kind: linux.MAP = .{ .TYPE = .PRIVATE, .ANONYMOUS = true };
    const result = call(.mmap, linux.mmap, .{ null, size, access, kind, -1, 0 });
    return if (linux.errno(result) == .SUCCESS) @ptrFromInt(result) else null;
}

pub fn yield() void {
    _ = call(.sched_yield, linux.sched_yield, .{});
}

pub fn threadId() i32 {
    return linux.gettid();
}

pub fn processId() i32 {
    return linux.getpid();
}

/// The kernel gives the main thread the number of the process.
pub fn isMainThread(thread: i32) bool {
    return thread == processId();
}

const pthread_key_create = @extern(
    ?*const fn (*c_uint, ?*const fn (?*anyopaque) callconv(.c) void) callconv(.c) c_int,
    .{ .name = "pthread_key_create", .linkage = .weak },
);
const pthread_setspecific = @extern(
    ?*const fn (c_uint, ?*const anyopaque) callconv(.c) c_int,
    .{ .name = "pthread_setspecific", .linkage = .weak },
);

var thread_exit_key: c_uint = 0;
var thread_exit_key_made = false;

/// By the destructor of a pthread key. The end of its thread is the one notice of a terminated
/// Worker that every runtime gives: each runs a Worker on a thread of its own.
pub fn onThreadExit(function: *const fn (?*anyopaque) callconv(.c) void) i32 {
    const create = fromHost(pthread_key_create) orelse return 0;
    const set = fromHost(pthread_setspecific) orelse return 0;
    var errno: c_int = 0;
    if (!thread_exit_key_made) {
        errno = callFunction(.pthread_key_create, create, .{ &thread_exit_key, function });
    }
    thread_exit_key_made = errno == 0;
    // Any value but null makes the destructor run.
    if (errno == 0) {
        errno = callFunction(.pthread_setspecific, set, .{ thread_exit_key, &thread_exit_key });
    }
    return if (errno == 0) 0 else Status.ofErrno(.pthread_key_create, @intCast(errno));
}

const threads = @import("linux_thread.zig");
pub const ThreadMain = threads.Main;
pub const startThread = threads.start;
pub const beTimer = threads.beTimer;
pub const clock = threads.clock;
pub const awaitChange = threads.awaitChange;
pub const announceChange = threads.announceChange;

/// true where /proc/self/maps cannot be read: then the address is not known to be wrong.
pub fn isExecutable(address: u64) bool {
    const found = mappingOf(address) orelse return true;
    return found.is_executable;
}

pub fn awaitPassedOn() void {}

/// The runtime's code is the mapping that has its N-API functions.
pub fn isHosts(address: u64) bool {
    if (hosts.end == 0) {
        const function = fromHost(napi_create_function) orelse return false;
        hosts = mappingOf(@intFromPtr(function)) orelse return false;
    }
    return address >= hosts.start and address < hosts.end;
}

var hosts: Mapping = .{};

const napi_create_function = @extern(
    ?*const anyopaque,
    .{ .name = "napi_create_function", .linkage = .weak },
);

const Mapping = struct { start: u64 = 0, end: u64 = 0, is_executable: bool = false };

/// By /proc/self/maps. null: it cannot be read. An empty mapping: nothing is mapped there.
fn mappingOf(address: u64) ?Mapping {
    const fd = answer(.open, call(
        .openat,
        linux.openat,
        .{ linux.AT.FDCWD, "/proc/self/maps", linux.O{ .CLOEXEC = true }, 0 },
    ));
    if (fd < 0) return null;
    defer close(fd);
    var buffer: [4096]u8 = undefined;
    // "start-end perms ...": a small state machine, since a line may straddle two reads.
    var numbers: [2]u64 = @splat(0);
    var field: enum { start, end, perms, rest } = .start;
    var column: usize = 0;
    while (true) {
        const got = answer(.read, call(.read, linux.read, .{ fd, &buffer, buffer.len }));
        if (got <= 0) return if (got < 0) null else .{};
        for (buffer[0..@intCast(got)]) |byte| {
            if (byte == '\n') {
                field = .start;
                numbers = @splat(0);
                continue;
            }
            switch (field) {
                .start => if (byte == '-') {
                    field = .end;
                } else {
                    numbers[0] = numbers[0] << 4 | hexDigit(byte);
                },
                .end => if (byte == ' ') {
                    field = .perms;
                    column = 0;
                } else {
                    numbers[1] = numbers[1] << 4 | hexDigit(byte);
                },
                .perms => {
                    if (column == 2) {
                        if (address >= numbers[0] and address < numbers[1]) {
                            return .{
                                .start = numbers[0],
                                .end = numbers[1],
                                .is_executable = byte == 'x',
                            };
                        }
                        field = .rest;
                    }
                    column += 1;
                },
                .rest => {},
            }
        }
    }
}

fn hexDigit(byte: u8) u64 {
    return if (byte <= '9') byte - '0' else byte - 'a' + 10;
}

// Descriptors

pub const FdKind = enum(i32) { eventfd = 0, pipe = 1, socketpair = 2 };

pub const fallback_kind: FdKind = .pipe;

/// An eventfd is both ends.
pub fn eventFd(ends: *[2]Fd) i32 {
    const event = answer(.eventfd, call(
        .eventfd2,
        linux.eventfd,
        .{ 0, linux.EFD.CLOEXEC | linux.EFD.NONBLOCK },
    ));
    ends.* = @splat(event);
    return @min(event, 0);
}

pub fn pipePair(ends: *[2]Fd) i32 {
    return answer(.pipe2, call(
        .pipe2,
        linux.pipe2,
        .{ ends, linux.O{ .CLOEXEC = true, .NONBLOCK = true } },
    ));
}

/// A connected pair that runtimes read as a socket: [0] is handed to the runtime, [1] is written.
pub fn streamPair(ends: *[2]Fd) i32 {
    const kind = linux.SOCK.STREAM | linux.SOCK.CLOEXEC | linux.SOCK.NONBLOCK;
    const result = call(.socketpair, linux.socketpair, .{ linux.AF.UNIX, kind, 0, ends });
    return answer(.socketpair, result);
}

/// Refuses descriptors that are closed, that block, or that face the wrong way.
pub fn inspect(read_fd: Fd, write_fd: Fd, kind: *FdKind) i32 {
    for ([_]Fd{ read_fd, write_fd }, [_]std.posix.ACCMODE{ .WRONLY, .RDONLY }) |fd, wrong| {
        const flags = answer(.fcntl, call(.fcntl, linux.fcntl, .{ fd, linux.F.GETFL, 0 }));
        if (flags < 0) return flags;
        const open: linux.O = @bitCast(flags);
        if (!open.NONBLOCK) return Status.blocking_fd.code();
        if (open.ACCMODE == wrong) return Status.wrong_direction.code();
    }
    var file: linux.Statx = undefined;
    const status = stat(write_fd, &file);
    kind.* = if (file.mode & linux.S.IFMT == linux.S.IFSOCK) .socketpair else .pipe;
    return status;
}

fn stat(fd: Fd, file: *linux.Statx) i32 {
    // Callers read these two fields even if the call fails.
    file.mode = 0;
    file.ino = 0;
    return answer(.statx, call(
        .statx,
        linux.statx,
        .{ fd, "", linux.AT.EMPTY_PATH, linux.STATX.BASIC_STATS, file },
    ));
}

pub fn inode(fd: Fd, number: *u64) i32 {
    var file: linux.Statx = undefined;
    const status = stat(fd, &file);
    number.* = file.ino;
    return status;
}

/// By kcmp(2), which compares open files; without it by the inode.
pub fn sameFile(a: Fd, b: Fd) i32 {
    const KCMP_FILE = 0;
    const process = linux.syscall0(.getpid);
    const order = answer(.kcmp, call(
        .kcmp,
        linux.syscall5,
        .{ .kcmp, process, process, KCMP_FILE, word(a), word(b) },
    ));
    if (order >= 0) return if (order == 0) 0 else Status.bad_fd.code();
    // A kernel without kcmp(2), or a sandbox that forbids it.
    var files: [2]linux.Statx = undefined;
    for ([_]Fd{ a, b }, &files) |fd, *file| {
        const status = stat(fd, file);
        if (status < 0) return status;
    }
    // All eventfds have one inode.
    if (files[0].mode & linux.S.IFMT == 0) return order;
    const same = files[0].ino == files[1].ino and
        files[0].dev_major == files[1].dev_major and
        files[0].dev_minor == files[1].dev_minor;
    return if (same) 0 else Status.bad_fd.code();
}

fn word(fd: Fd) usize {
    return @bitCast(@as(isize, fd));
}

pub fn duplicate(fd: Fd) i32 {
    const F_DUPFD_CLOEXEC = 1030;
    const result = call(.fcntl, linux.fcntl, .{ fd, F_DUPFD_CLOEXEC, 0 });
    return answer(.fcntl, result);
}

/// By dup3(2), which replaces the descriptor in one step for all threads.
pub fn replace(fd: Fd, target: Fd) i32 {
    const cloexec: linux.O = .{ .CLOEXEC = true };
    while (true) {
        const result = call(.dup3, linux.dup3, .{ fd, target, @as(u32, @bitCast(cloexec)) });
        switch (linux.errno(result)) {
            // BUSY: another thread is about to open a descriptor of this number.
            .BUSY, .INTR => {},
            else => return @min(answer(.dup3, result), 0),
        }
    }
}

/// write(2) gives it for a descriptor that is full.
pub const would_block = @backingInt(linux.E.AGAIN);

/// MSG_NOSIGNAL keeps a socket from raising SIGPIPE; for a pipe there is no such flag.
pub fn write(fd: Fd, kind: FdKind) u16 {
    // An eventfd takes no less than eight bytes, and what was adopted as a pipe may be a duplicate
    // of one. For a socket one byte is cheaper.
    const one: u64 = 1;
    const bytes = std.mem.asBytes(&one);
    var patience: u32 = 1000;
    while (true) {
        const result = switch (kind) {
            .socketpair => call(
                .sendto,
                linux.sendto,
                .{ fd, bytes, 1, linux.MSG.DONTWAIT | linux.MSG.NOSIGNAL, null, 0 },
            ),
            .pipe, .eventfd => call(.write, linux.write, .{ fd, bytes, 8 }),
        };
        switch (linux.errno(result)) {
            .INTR => {},
            // The kernel has no memory at the moment. A signal handler must not wait for ever.
            .NOMEM, .NOBUFS => |errno| {
                patience -= 1;
                if (patience == 0) return @backingInt(errno);
                yield();
            },
            else => |errno| return @backingInt(errno),
        }
    }
}

pub fn drain(fd: Fd, kind: FdKind) u16 {
    var buffer: [512]u8 = undefined;
    while (true) {
        const result = call(.read, linux.read, .{ fd, &buffer, buffer.len });
        switch (linux.errno(result)) {
            .INTR => {},
            // One read empties our own eventfd. An adopted descriptor may be anything, such as an
            // EFD_SEMAPHORE: read until it is empty.
            .SUCCESS => if (result == 0 or kind == .eventfd) return 0,
            .AGAIN => return 0,
            else => |errno| return @backingInt(errno),
        }
    }
}

/// A signal that interrupts it does not prolong it: the deadline is computed once.
pub fn waitReadable(fd: Fd, timeout_ns: u64) i32 {
    var deadline: u64 = 0;
    var fds = [_]linux.pollfd{.{ .fd = fd, .events = linux.POLL.IN, .revents = 0 }};
    while (true) {
        var time: u64 = undefined;
        const status = now(&time);
        if (status < 0) return status;
        if (deadline == 0) deadline = time +| timeout_ns;
        const left = deadline -| time;
        var rest: linux.timespec = .{
            .sec = @intCast(left / std.time.ns_per_s),
            .nsec = @intCast(left % std.time.ns_per_s),
        };
        const result = call(.ppoll, linux.ppoll, .{ &fds, 1, &rest, null });
        if (linux.errno(result) == .INTR) continue;
        const ready = answer(.ppoll, result);
        if (ready <= 0) return ready;
        return if (fds[0].revents & linux.POLL.NVAL != 0) Status.bad_fd.code() else 1;
    }
}

pub fn now(nanoseconds: *u64) i32 {
    var time: linux.timespec = undefined;
    // The system call, not the vDSO: the code that finds the vDSO is not worth it for a rare call.
    const status = answer(.clock_gettime, call(
        .clock_gettime,
        linux.syscall2,
        .{ .clock_gettime, @backingInt(linux.CLOCK.MONOTONIC), @intFromPtr(&time) },
    ));
    if (status < 0) return status;
    const seconds: u64 = @intCast(time.sec);
    nanoseconds.* = seconds * std.time.ns_per_s + @as(u64, @intCast(time.nsec));
    return 0;
}

/// EINTR is no failure: Linux has closed the descriptor by then.
pub fn close(fd: Fd) void {
    _ = call(.close, linux.close, .{fd});
}
