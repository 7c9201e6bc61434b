//! Windows, by kernel32, ntdll and ws2_32. What each function promises is in ../platform.zig; here
//! is why it does so in this way.
//!
//! No handler interrupts a thread here: Windows calls console handlers on threads of their own. So
//! "async-signal-safe" is no more than "any thread". Nothing here calls libc.
const std = @import("std");
const api = @import("windows_api.zig");
const console = @import("windows_console.zig");
const sockets = @import("windows_socket.zig");
const waits = @import("windows_wait.zig");
const Status = @import("../status.zig").Status;

comptime {
    _ = @import("windows_memory.zig");
}

// Signals

pub const signal_max = console.signal_max;
pub const Disposition = console.Disposition;
pub const Handler = console.Handler;
pub const isReserved = console.isReserved;
pub const delivers = console.delivers;
pub const disposition = console.disposition;
pub const setDisposition = console.setDisposition;
pub const swapDisposition = console.swapDisposition;
pub const ours = console.ours;
pub const ignored = console.ignored;
pub const isOneShot = console.isOneShot;
pub const sendAgain = console.sendAgain;
pub const send = console.send;
pub const chain = console.chain;
pub const isHosts = console.isHosts;
pub const awaitPassedOn = console.awaitPassedOn;

/// No code is interrupted.
pub const Errno = struct {
    pub fn save() Errno {
        return .{};
    }

    pub fn restore(_: Errno) void {}
};

// Threads and memory

pub fn map(size: usize) ?[*]align(std.heap.page_size_min) u8 {
    const MEM_RESERVE_AND_COMMIT = 0x3000;
    const PAGE_READWRITE = 0x04;
    return @alignCast(api.VirtualAlloc(null, size, MEM_RESERVE_AND_COMMIT, PAGE_READWRITE));
}

pub fn yield() void {
    // Sleep(0) lets no thread of a lower priority run, which may be the one that is waited for.
    if (api.SwitchToThread() == 0) api.Sleep(1);
}

pub fn threadId() i32 {
    return @bitCast(api.GetCurrentThreadId());
}

pub fn processId() i32 {
    return @bitCast(api.GetCurrentProcessId());
}

/// The threads of a process are listed in the order in which they began.
pub fn isMainThread(thread: i32) bool {
    const THREAD_QUERY_LIMITED_INFORMATION = 0x800;
    var first: api.HANDLE = undefined;
    const process = api.GetCurrentProcess();
    const access = THREAD_QUERY_LIMITED_INFORMATION;
    if (api.NtGetNextThread(process, null, access, 0, 0, &first) < 0) return false;
    defer _ = api.CloseHandle(first);
    return @as(i32, @bitCast(api.GetThreadId(first))) == thread;
}

var thread_exit_function: ?*const fn (?*anyopaque) callconv(.c) void = null;
var thread_exit_index: u32 = 0;

/// By the callback of a fiber's local storage, which every thread has.
pub fn onThreadExit(function: *const fn (?*anyopaque) callconv(.c) void) i32 {
    if (thread_exit_function == null) {
        const FLS_OUT_OF_INDEXES = 0xffff_ffff;
        const index = api.FlsAlloc(onFiberEnd);
        if (index == FLS_OUT_OF_INDEXES) return api.failed(.FlsAlloc);
        thread_exit_index = index;
        thread_exit_function = function;
    }
    // Any value but null makes the callback run.
    const is_set = api.FlsSetValue(thread_exit_index, &thread_exit_index) != 0;
    return if (is_set) 0 else api.failed(.FlsAlloc);
}

fn onFiberEnd(value: ?*anyopaque) callconv(.winapi) void {
    // At the end of the process it is called too. Windows has ended all other threads by then, in
    // the middle of what they did: a thread that waits for a lock of theirs waits for ever.
    if (api.RtlDllShutdownInProgress() != 0) return;
    thread_exit_function.?(value);
}

pub const ThreadMain = fn (?*anyopaque) callconv(.c) ?*anyopaque;

/// Of the address space: memory is what the thread touches.
const stack_size = 1024 * 1024;
const STACK_SIZE_PARAM_IS_A_RESERVATION = 0x10000;

pub fn startThread(main: *const ThreadMain) i32 {
    // Windows takes the lower half of the result for the exit code.
    const thread = api.CreateThread(
        null,
        stack_size,
        @ptrCast(main),
        null,
        STACK_SIZE_PARAM_IS_A_RESERVATION,
        null,
    ) orelse return api.failed(.CreateThread);
    _ = api.CloseHandle(thread);
    return 0;
}

pub const beTimer = waits.beTimer;
pub const now = waits.now;
pub const clock = waits.clock;
pub const awaitChange = waits.awaitChange;
pub const announceChange = waits.announceChange;

pub fn isExecutable(address: u64) bool {
    var memory: api.MEMORY_BASIC_INFORMATION = undefined;
    if (api.VirtualQuery(@ptrFromInt(address), &memory, @sizeOf(@TypeOf(memory))) == 0) {
        return false;
    }
    const MEM_COMMIT = 0x1000;
    // PAGE_EXECUTE, and with it READ, READWRITE, WRITECOPY.
    const executable = 0xf0;
    const PAGE_GUARD = 0x100;
    return memory.State == MEM_COMMIT and memory.Protect & executable != 0 and
        memory.Protect & PAGE_GUARD == 0;
}

// Descriptors

pub const Fd = sockets.Fd;
pub const FdKind = sockets.FdKind;
pub const fallback_kind = sockets.fallback_kind;
pub const eventFd = sockets.eventFd;
pub const pipePair = sockets.pipePair;
pub const streamPair = sockets.streamPair;
pub const inspect = sockets.inspect;
pub const duplicate = sockets.duplicate;
pub const inode = sockets.inode;
pub const sameFile = sockets.sameFile;
pub const replace = sockets.replace;
pub const would_block = sockets.would_block;
pub const write = sockets.write;
pub const drain = sockets.drain;
pub const waitReadable = sockets.waitReadable;
pub const close = sockets.close;
