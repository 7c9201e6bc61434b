//! macOS, by libSystem: its kernel has no stable system calls. What each function promises is in
//! ../platform.zig; here is why it does so in this way. docs/platforms.md says what has not run on
//! a Mac yet.
const std = @import("std");
const c = std.c;
const imported = @import("from_host.zig").imported;
const Call = @import("../status.zig").Call;
const Status = @import("../status.zig").Status;

pub const Fd = c.fd_t;

/// A function of libSystem, with the type that Zig's standard library gives it.
inline fn libc(comptime name: [:0]const u8) *const @TypeOf(@field(c, name)) {
    return libcAs(name, @TypeOf(@field(c, name)));
}

inline fn libcAs(comptime name: [:0]const u8, comptime F: type) *const F {
    return imported(@extern(*const F, .{ .name = name }));
}

fn errno() *c_int {
    return libcAs("__error", fn () callconv(.c) *c_int)();
}

/// Calls a function that returns -1 and sets errno when it fails. Returns its result, or the errno,
/// negative. errno is left as it was: a signal handler may be the caller.
inline fn call(function: anytype, arguments: anytype) isize {
    const location = errno();
    const before = location.*;
    defer location.* = before;
    const result: isize = @call(.auto, function, arguments);
    return if (result == -1) -@as(isize, location.*) else result;
}

/// What `call` returns, as a status.
fn answer(which: Call, result: isize) i32 {
    return if (result < 0) Status.ofErrno(which, errnoOf(result)) else @intCast(result);
}

/// 0 for success.
fn errnoOf(result: isize) u16 {
    return if (result < 0) @intCast(-result) else 0;
}

fn is(result: isize, expected: c.E) bool {
    return errnoOf(result) == @backingInt(expected);
}

// Signals

pub const signal_max = 31;

comptime {
    const names = @import("macos_signals.zig").names;
    std.debug.assert(names.len == signal_max);
    for (names, 1..) |name, number| std.debug.assert(@backingInt(@field(c.SIG, name)) == number);
}

/// libc's struct, kept and given back as it was read.
pub const Disposition = extern struct {
    handler: ?*align(1) const fn (c.SIG) callconv(.c) void,
    mask: c.sigset_t,
    flags: c_uint,
};

comptime {
    const theirs = c.Sigaction;
    std.debug.assert(@sizeOf(Disposition) == @sizeOf(theirs));
    for ([_][]const u8{ "handler", "mask", "flags" }) |name| {
        std.debug.assert(@offsetOf(Disposition, name) == @offsetOf(theirs, name));
    }
}

pub const Handler = *const fn (i32, ?*const anyopaque, ?*anyopaque) callconv(.c) void;

pub fn isReserved(signal: u32) bool {
    return switch (@as(c.SIG, @fromBackingInt(signal))) {
        // Cannot be caught.
        .KILL, .STOP => true,
        // Synchronous faults: returning from the handler runs into the same instruction again.
        .SEGV, .BUS, .ILL, .FPE, .TRAP, .SYS, .EMT, .ABRT => true,
        else => false,
    };
}

/// All of them.
pub fn delivers(_: u32) bool {
    return true;
}

fn sigaction(signal: u32, new: ?*const Disposition, old: ?*Disposition) i32 {
    const F = fn (c_int, ?*const Disposition, ?*Disposition) callconv(.c) c_int;
    const set = libcAs("sigaction", F);
    return answer(.sigaction, call(set, .{ @as(c_int, @intCast(signal)), new, old }));
}

pub fn disposition(signal: u32, out: *Disposition) i32 {
    return sigaction(signal, null, out);
}

pub fn setDisposition(signal: u32, new: *const Disposition) i32 {
    return sigaction(signal, new, null);
}

pub fn swapDisposition(signal: u32, new: *const Disposition, old: *Disposition) i32 {
    return sigaction(signal, new, old);
}

/// See linux.zig.
pub fn ours(handler: Handler) Disposition {
    return .{
        .handler = @ptrCast(handler),
        .mask = ~@as(c.sigset_t, 0),
        .flags = c.SA.SIGINFO | c.SA.RESTART | c.SA.ONSTACK,
    };
}

pub fn ignored() Disposition {
    return .{ .handler = @ptrFromInt(1), .mask = 0, .flags = 0 };
}

pub fn isOneShot(old: *const Disposition) bool {
    return old.flags & c.SA.RESETHAND != 0;
}

pub fn send(signal: u32) void {
    _ = call(libc("kill"), .{ processId(), @as(c.SIG, @fromBackingInt(signal)) });
}

/// No call of macOS takes a siginfo, so what the sender has said of the signal is lost.
pub fn sendAgain(signal: u32, _: ?*const anyopaque) void {
    const thread = libc("pthread_self")();
    _ = libc("pthread_kill")(thread, @fromBackingInt(signal));
}

/// See linux.zig.
pub fn chain(handler: usize, signal: i32, info: ?*const anyopaque, context: ?*anyopaque) void {
    if (handler <= 1) return;
    const function: Handler = @ptrFromInt(handler);
    function(signal, info, context);
}

pub const Errno = struct {
    location: *c_int,
    value: c_int,

    pub fn save() Errno {
        const location = errno();
        return .{ .location = location, .value = location.* };
    }

    pub fn restore(saved: Errno) void {
        saved.location.* = saved.value;
    }
};

// Threads and memory

pub fn map(size: usize) ?[*]align(std.heap.page_size_min) u8 {
    const access: c.PROT = .{ .READ = true, .WRITE = true };
    const kind: c.MAP = .{ .TYPE = .PRIVATE, .ANONYMOUS = true };
    const F = fn (?*anyopaque, usize, c.PROT, c.MAP, Fd, c.off_t) callconv(.c) isize;
    const result = call(libcAs("mmap", F), .{ null, size, access, kind, -1, 0 });
    return if (result < 0) null else @ptrFromInt(@as(usize, @intCast(result)));
}

pub fn yield() void {
    _ = call(libc("sched_yield"), .{});
}

/// The name of the thread's Mach port, which no other thread of the process has. It is less than
/// this bit, and process ids are too, so that the main thread can have the process's.
pub fn threadId() i32 {
    const is_no_process = 1 << 30;
    if (libcAs("pthread_main_np", fn () callconv(.c) c_int)() != 0) return processId();
    const port: i32 = @bitCast(machThread());
    return port & (is_no_process - 1) | is_no_process;
}

fn machThread() c.mach_port_t {
    const F = fn (c.pthread_t) callconv(.c) c.mach_port_t;
    return libcAs("pthread_mach_thread_np", F)(libc("pthread_self")());
}

pub fn processId() i32 {
    return libc("getpid")();
}

pub fn isMainThread(thread: i32) bool {
    return thread == processId();
}

var thread_exit_key: c.pthread_key_t = 0;
var thread_exit_key_made = false;

/// As on Linux. The destructor is in this library, so it also keeps the library from being
/// unloaded.
pub fn onThreadExit(function: *const fn (?*anyopaque) callconv(.c) void) i32 {
    var failed: c.E = .SUCCESS;
    if (!thread_exit_key_made) {
        failed = libc("pthread_key_create")(&thread_exit_key, function);
        thread_exit_key_made = failed == .SUCCESS;
        if (thread_exit_key_made) pin(function);
    }
    if (failed == .SUCCESS) {
        const set = libc("pthread_setspecific");
        // Any value but null makes the destructor run.
        failed = @fromBackingInt(@intCast(set(thread_exit_key, &thread_exit_key)));
    }
    return if (failed == .SUCCESS) 0 else Status.ofErrno(.pthread_key_create, @backingInt(failed));
}

/// Mach-O has no counterpart of DF_1_NODELETE, which zig-src/finish_elf.zig sets: so count one
/// opening more than anybody closes. dyld finds the loaded library by its path, also where the file
/// is gone.
fn pin(function: *const anyopaque) void {
    const RTLD_LAZY = 1;
    const RTLD_NOLOAD = 0x10;
    var info: c.dl_info = undefined;
    if (libc("dladdr")(function, &info) == 0) return;
    const F = fn ([*:0]const u8, c_int) callconv(.c) ?*anyopaque;
    _ = libcAs("dlopen", F)(info.fname, RTLD_LAZY | RTLD_NOLOAD);
}

pub const ThreadMain = fn (?*anyopaque) callconv(.c) ?*anyopaque;

pub fn startThread(main: *const ThreadMain) i32 {
    const PTHREAD_CREATE_DETACHED = 2;
    const Attributes = c.pthread_attr_t;
    var attributes: Attributes = undefined;
    var failed = libc("pthread_attr_init")(&attributes);
    if (failed != .SUCCESS) return Status.ofErrno(.pthread_create, @backingInt(failed));
    defer _ = libc("pthread_attr_destroy")(&attributes);
    const SetDetached = fn (*Attributes, c_int) callconv(.c) c_int;
    _ = libcAs("pthread_attr_setdetachstate", SetDetached)(&attributes, PTHREAD_CREATE_DETACHED);
    // The new thread inherits the mask: see linux_thread.zig.
    const SetMask = fn (c_int, *const c.sigset_t, ?*c.sigset_t) callconv(.c) c_int;
    const set_mask = libcAs("pthread_sigmask", SetMask);
    const all = ~@as(c.sigset_t, 0);
    var before: c.sigset_t = undefined;
    _ = set_mask(c.SIG.SETMASK, &all, &before);
    defer _ = set_mask(c.SIG.SETMASK, &before, null);
    var thread: c.pthread_t = undefined;
    const Thread = *c.pthread_t;
    const Create = fn (Thread, *Attributes, *const ThreadMain, ?*anyopaque) callconv(.c) c.E;
    failed = libcAs("pthread_create", Create)(&thread, &attributes, main, null);
    return if (failed == .SUCCESS) 0 else Status.ofErrno(.pthread_create, @backingInt(failed));
}

/// By default the kernel ends the waits of many threads at the same moment, to save power.
pub fn beTimer(name: [*:0]const u8) void {
    const THREAD_LATENCY_QOS_POLICY = 7;
    const LATENCY_QOS_TIER_0 = 0xff << 16 | 1;
    _ = libc("pthread_setname_np")(name);
    const tier: c_int = LATENCY_QOS_TIER_0;
    const F = fn (c.mach_port_t, c_int, *const c_int, c.mach_msg_type_number_t) callconv(.c) c_int;
    _ = libcAs("thread_policy_set", F)(machThread(), THREAD_LATENCY_QOS_POLICY, &tier, 1);
}

/// The clock by which the kernel ends a wait. Like Linux's it stands still while the machine
/// sleeps.
pub fn clock() u64 {
    return libcAs("clock_gettime_nsec_np", fn (c.clockid_t) callconv(.c) u64)(.UPTIME_RAW);
}

pub fn now(nanoseconds: *u64) i32 {
    nanoseconds.* = clock();
    return 0;
}

/// By what libc++ and Zig's standard library wait. The documented os_sync_wait_on_address() came
/// with macOS 14.4.
pub fn awaitChange(word: *const std.atomic.Value(u32), value: u32, deadline_ns: u64) void {
    const left = deadline_ns -| clock();
    // It would wait for ever.
    if (left == 0) return;
    const UL: c.UL = .{ .op = .COMPARE_AND_WAIT, .NO_ERRNO = true };
    _ = libc("__ulock_wait2")(UL, word, value, left, 0);
}

pub fn announceChange(word: *const std.atomic.Value(u32)) void {
    const UL: c.UL = .{ .op = .COMPARE_AND_WAIT, .NO_ERRNO = true };
    _ = libc("__ulock_wake")(UL, word, 0);
}

pub fn isExecutable(address: u64) bool {
    const found = regionOf(address) orelse return true;
    return found.is_executable;
}

pub fn awaitPassedOn() void {}

/// The runtime's code is the region that has its N-API functions.
pub fn isHosts(address: u64) bool {
    if (hosts.end == 0) {
        const name = "napi_create_function";
        const function = @extern(?*const anyopaque, .{ .name = name, .linkage = .weak });
        hosts = regionOf(@intFromPtr(imported(function) orelse return false)) orelse return false;
    }
    return address >= hosts.start and address < hosts.end;
}

var hosts: Region = .{};

const Region = struct { start: u64 = 0, end: u64 = 0, is_executable: bool = false };

/// null: the kernel does not tell. An empty region: nothing is mapped there.
fn regionOf(address: u64) ?Region {
    // Zig's vm_region_submap_short_info_64 has padding that the kernel's has not.
    const words = 12;
    const KERN_INVALID_ADDRESS = 1;
    var start = address;
    var size: u64 = 0;
    // Of submaps, such as the one that has all of libSystem: the regions in them.
    var depth: c_uint = std.math.maxInt(c_uint);
    var info: [words]u32 = undefined;
    const Count = c.mach_msg_type_number_t;
    var count: Count = words;
    const F = fn (c.mach_port_t, *u64, *u64, *c_uint, *[words]u32, *Count) callconv(.c) c_int;
    const task = imported(@extern(*const c.mach_port_t, .{ .name = "mach_task_self_" })).*;
    const status = libcAs("mach_vm_region_recurse", F)(task, &start, &size, &depth, &info, &count);
    if (status == KERN_INVALID_ADDRESS) return .{};
    if (status != 0) return null;
    // What it finds may begin behind the address.
    if (start > address) return .{};
    const protection: c.PROT = @bitCast(info[0]);
    return .{ .start = start, .end = start + size, .is_executable = protection.EXEC };
}

// Descriptors. macOS has no call that makes one with both flags: a process that another thread
// starts between two of the calls here inherits the descriptor.

pub const FdKind = enum(i32) { eventfd = 0, pipe = 1, socketpair = 2 };

pub const fallback_kind: FdKind = .pipe;

/// There are none.
pub fn eventFd(_: *[2]Fd) i32 {
    return Status.unsupported.code();
}

pub fn pipePair(ends: *[2]Fd) i32 {
    const status = answer(.pipe, call(libc("pipe"), .{ends}));
    return if (status < 0) status else prepare(ends);
}

pub fn streamPair(ends: *[2]Fd) i32 {
    const status =
        answer(.socketpair, call(libc("socketpair"), .{ c.AF.UNIX, c.SOCK.STREAM, 0, ends }));
    return if (status < 0) status else prepare(ends);
}

/// Closes both if it fails.
fn prepare(ends: *const [2]Fd) i32 {
    const nonblock: c.O = .{ .NONBLOCK = true };
    const status = for (ends) |fd| {
        const set = control(fd, c.F.SETFD, c.FD_CLOEXEC);
        if (set < 0) break set;
        const changed = control(fd, c.F.SETFL, @bitCast(nonblock));
        if (changed < 0) break changed;
        raiseNoSigpipe(fd);
    } else 0;
    if (status < 0) for (ends) |fd| close(fd);
    return status;
}

/// The argument is variadic: on arm64 it is passed in another place than a plain one.
fn control(fd: Fd, command: c_int, argument: c_int) i32 {
    return answer(.fcntl, call(libc("fcntl"), .{ fd, command, argument }));
}

/// macOS 13 has no MSG_NOSIGNAL. What is no socket refuses it: a pipe raises SIGPIPE, as on Linux.
fn raiseNoSigpipe(fd: Fd) void {
    const on: c_int = 1;
    const set = libc("setsockopt");
    _ = call(set, .{ fd, c.SOL.SOCKET, c.SO.NOSIGPIPE, &on, @sizeOf(c_int) });
}

/// Refuses descriptors that are closed, that block, or that face the wrong way.
pub fn inspect(read_fd: Fd, write_fd: Fd, kind: *FdKind) i32 {
    for ([_]Fd{ read_fd, write_fd }, [_]std.posix.ACCMODE{ .WRONLY, .RDONLY }) |fd, wrong| {
        const flags = control(fd, c.F.GETFL, 0);
        if (flags < 0) return flags;
        const open: c.O = @bitCast(flags);
        if (!open.NONBLOCK) return Status.blocking_fd.code();
        if (open.ACCMODE == wrong) return Status.wrong_direction.code();
    }
    var file: c.Stat = undefined;
    const status = stat(write_fd, &file);
    kind.* = if (file.mode & c.S.IFMT == c.S.IFSOCK) .socketpair else .pipe;
    return status;
}

fn stat(fd: Fd, file: *c.Stat) i32 {
    // Callers read these two fields even if the call fails.
    file.mode = 0;
    file.ino = 0;
    // The name of the function with 64-bit inodes: on arm64 there is no other.
    const name = if (@import("builtin").cpu.arch == .x86_64) "fstat$INODE64" else "fstat";
    return answer(.fstat, call(libcAs(name, fn (Fd, *c.Stat) callconv(.c) c_int), .{ fd, file }));
}

/// Pipes and local sockets have an inode that no other one has while they are open.
pub fn inode(fd: Fd, number: *u64) i32 {
    var file: c.Stat = undefined;
    const status = stat(fd, &file);
    number.* = file.ino;
    return status;
}

/// By the inode: there is no kcmp(2). All sockets of the internet have the same.
pub fn sameFile(a: Fd, b: Fd) i32 {
    var files: [2]c.Stat = undefined;
    for ([_]Fd{ a, b }, &files) |fd, *file| {
        const status = stat(fd, file);
        if (status < 0) return status;
    }
    const same = files[0].ino == files[1].ino and files[0].dev == files[1].dev and
        (files[0].mode ^ files[1].mode) & c.S.IFMT == 0;
    return if (same) 0 else Status.bad_fd.code();
}

pub fn duplicate(fd: Fd) i32 {
    const copy = control(fd, c.F.DUPFD_CLOEXEC, 0);
    // A socket that the caller has made: it is for all descriptors of the socket.
    if (copy >= 0) raiseNoSigpipe(copy);
    return copy;
}

/// dup2(2) replaces the descriptor in one step, and takes FD_CLOEXEC off.
pub fn replace(fd: Fd, target: Fd) i32 {
    while (true) {
        const result = call(libc("dup2"), .{ fd, target });
        if (is(result, .INTR) or is(result, .BUSY)) continue;
        if (result < 0) return answer(.dup2, result);
        return control(target, c.F.SETFD, c.FD_CLOEXEC);
    }
}

/// write(2) gives it for a descriptor that is full.
pub const would_block = @backingInt(c.E.AGAIN);

pub fn write(fd: Fd, kind: FdKind) u16 {
    _ = kind;
    const byte = [1]u8{1};
    var patience: u32 = 1000;
    while (true) {
        const result = call(libc("write"), .{ fd, &byte, 1 });
        if (is(result, .INTR)) continue;
        // The kernel has no memory at the moment. A signal handler must not wait for ever.
        if (is(result, .NOMEM) or is(result, .NOBUFS)) {
            patience -= 1;
            if (patience > 0) {
                yield();
                continue;
            }
        }
        return errnoOf(result);
    }
}

pub fn drain(fd: Fd, kind: FdKind) u16 {
    _ = kind;
    var buffer: [512]u8 = undefined;
    while (true) {
        const result = call(libc("read"), .{ fd, &buffer, buffer.len });
        if (result > 0 or is(result, .INTR)) continue;
        return if (is(result, .AGAIN)) 0 else errnoOf(result);
    }
}

/// A signal that interrupts it does not prolong it: the deadline is computed once.
pub fn waitReadable(fd: Fd, timeout_ns: u64) i32 {
    const deadline = clock() +| timeout_ns;
    var fds = [_]c.pollfd{.{ .fd = fd, .events = c.POLL.IN, .revents = 0 }};
    while (true) {
        const left = deadline -| clock();
        // poll(2) counts milliseconds; rounded up, so that it does not end early.
        const milliseconds = @min(left / std.time.ns_per_ms + 1, std.math.maxInt(c_int));
        const timeout: c_int = if (left == 0) 0 else @intCast(milliseconds);
        const result = call(libc("poll"), .{ &fds, 1, timeout });
        if (is(result, .INTR) or (result == 0 and left > 0)) continue;
        const ready = answer(.poll, result);
        if (ready <= 0) return ready;
        return if (fds[0].revents & c.POLL.NVAL != 0) Status.bad_fd.code() else 1;
    }
}

/// EINTR is no failure: macOS has closed the descriptor by then.
pub fn close(fd: Fd) void {
    _ = call(libc("close"), .{fd});
}
