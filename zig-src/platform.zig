//! What differs between operating systems, behind one set of names: the contract that a file of
//! platform/ meets. The types here are part of it, so that one that differs does not compile.
//!
//! A function that is "async-signal-safe" here may run in a signal handler: it takes no lock,
//! allocates nothing, and leaves errno as it is. The others run on JavaScript threads only, outside
//! of handlers; they leave errno alone too, unless they say that they call libc.
//!
//! A "status" is 0, or negative: a `Status`, or `Status.ofErrno` of the system call that failed.
//! What a function gives by pointer is undefined when its status is negative, unless it says
//! otherwise. None answers with EINTR: a function repeats the call itself.
const std = @import("std");
const builtin = @import("builtin");

const implementation = switch (builtin.os.tag) {
    .linux => @import("platform/linux.zig"),
    .macos => @import("platform/macos.zig"),
    .windows => @import("platform/windows.zig"),
    else => @compileError("no platform/ file for " ++ @tagName(builtin.os.tag)),
};

// Signals

/// All that the kernel knows of how a signal is handled. It is given back as it was read, byte for
/// byte. Zeroed it is SIG_DFL. Its field `handler` is an address, null for SIG_DFL; the other
/// fields are the platform's own.
pub const Disposition = implementation.Disposition;

/// A handler with three arguments (SA_SIGINFO).
pub const Handler = implementation.Handler;

/// The highest signal number.
pub const signal_max: u32 = implementation.signal_max;

/// Whether the signal cannot be caught, reports a fault of the code that runs, or is libc's own.
pub const isReserved: fn (signal: u32) bool = implementation.isReserved;

/// Whether the system delivers the signal to programs at all.
pub const delivers: fn (signal: u32) bool = implementation.delivers;

/// Reads the disposition. A status. Async-signal-safe.
pub const disposition: fn (signal: u32, out: *Disposition) i32 = implementation.disposition;

/// A status. Async-signal-safe.
pub const setDisposition: fn (signal: u32, new: *const Disposition) i32 =
    implementation.setDisposition;

/// Sets the new one and gives the old one, in one step: no other thread's change is lost between
/// the two. A status. Async-signal-safe.
pub const swapDisposition: fn (signal: u32, new: *const Disposition, old: *Disposition) i32 =
    implementation.swapDisposition;

/// The disposition that calls `handler`, on the alternate stack if the thread has one, with all
/// signals masked meanwhile, and with interrupted system calls restarted. Async-signal-safe.
pub const ours: fn (handler: Handler) Disposition = implementation.ours;

/// SIG_IGN; its `handler` is compared with others'. Async-signal-safe.
pub const ignored: fn () Disposition = implementation.ignored;

/// Whether the kernel resets it to SIG_DFL when it calls it. Async-signal-safe.
pub const isOneShot: fn (old: *const Disposition) bool = implementation.isOneShot;

/// Sends the signal to the calling thread, with the siginfo that it came with. What cannot be sent
/// is lost. Async-signal-safe.
pub const sendAgain: fn (signal: u32, info: ?*const anyopaque) void = implementation.sendAgain;

/// Sends the signal to this process. Async-signal-safe.
pub const send: fn (signal: u32) void = implementation.send;

/// Calls a handler that was installed before ours, by its address; nothing for SIG_DFL and SIG_IGN.
/// As async-signal-safe as the handler is.
pub const chain: fn (
    handler: usize,
    signal: i32,
    info: ?*const anyopaque,
    context: ?*anyopaque,
) void = implementation.chain;

/// Waits until signals that our handler has passed on to the next one have come there. Where the
/// kernel calls one handler there is nothing to wait for: ours has called the others.
pub const awaitPassedOn: fn () void = implementation.awaitPassedOn;

/// `save()` reads the errno of the interrupted code, `restore(saved)` puts it back: around foreign
/// code that a handler calls. Async-signal-safe.
pub const Errno = implementation.Errno;

/// The names of the signals of macOS, from number 1 on: those of Linux are in Zig's standard
/// library, whatever the target.
pub const macos_signals = @import("platform/macos_signals.zig").names;

// Threads and memory

/// Zeroed memory that stays mapped for the life of the process. null: the kernel has none.
pub const map: fn (size: usize) ?[*]align(std.heap.page_size_min) u8 = implementation.map;

/// Lets another thread run. Async-signal-safe.
pub const yield: fn () void = implementation.yield;

/// Unique among the threads that live, and positive. Async-signal-safe.
pub const threadId: fn () i32 = implementation.threadId;

/// In the child of a fork(2) it is another one. Async-signal-safe.
pub const processId: fn () i32 = implementation.processId;

/// Whether the main thread has this threadId().
pub const isMainThread: fn (thread: i32) bool = implementation.isMainThread;

/// `function` runs when the calling thread ends, once, however often this was called; all callers
/// give the same one. A status; 0 also where the host has no libc to do it. Calls libc. The caller
/// holds a lock.
pub const onThreadExit: fn (function: *const fn (?*anyopaque) callconv(.c) void) i32 =
    implementation.onThreadExit;

/// What a thread runs. Its argument and its result are null.
pub const ThreadMain = implementation.ThreadMain;

/// Starts a thread that nobody waits for. It takes no signals, but for those by which libc has all
/// threads take part in a call. Calls libc. A status; whatever it is, nothing else has changed.
pub const startThread: fn (main: *const ThreadMain) i32 = implementation.startThread;

/// Names the calling thread, with at most 15 bytes, and makes its `awaitChange()` end as exactly in
/// time as the system can. What the system refuses is left out.
pub const beTimer: fn (name: [*:0]const u8) void = implementation.beTimer;

/// The monotonic clock, in nanoseconds, which never goes back. A status.
pub const now: fn (nanoseconds: *u64) i32 = implementation.now;

/// The same clock, for those whose caller has had it from `now()`. Async-signal-safe.
pub const clock: fn () u64 = implementation.clock;

/// Returns when the word has not this value any more, or when the clock shows `deadline_ns`; also
/// earlier at times. A change that is announced while the caller is about to wait is not missed.
pub const awaitChange: fn (
    word: *const std.atomic.Value(u32),
    value: u32,
    deadline_ns: u64,
) void = implementation.awaitChange;

/// Ends the `awaitChange()` of a thread, after the caller has changed the word.
pub const announceChange: fn (word: *const std.atomic.Value(u32)) void =
    implementation.announceChange;

/// Whether code can run at `address`. true where that cannot be found out.
pub const isExecutable: fn (address: u64) bool = implementation.isExecutable;

/// Whether `address` is in the code of the runtime itself. false where that cannot be found out.
/// The caller holds a lock.
pub const isHosts: fn (address: u64) bool = implementation.isHosts;

// Descriptors. All that are made here do not block, and close on exec.

pub const Fd = implementation.Fd;
pub const FdKind = implementation.FdKind;

/// The kind of an event pipe where there is no eventfd.
pub const fallback_kind: FdKind = implementation.fallback_kind;

/// One descriptor, as both ends. A status.
pub const eventFd: fn (ends: *[2]Fd) i32 = implementation.eventFd;

/// The read end, and the write end. A status.
pub const pipePair: fn (ends: *[2]Fd) i32 = implementation.pipePair;

/// Two connected sockets. A status.
pub const streamPair: fn (ends: *[2]Fd) i32 = implementation.streamPair;

/// What kind of descriptors the caller gave. A status; also for those that block, or that face the
/// wrong way.
pub const inspect: fn (read_fd: Fd, write_fd: Fd, kind: *FdKind) i32 = implementation.inspect;

/// A new descriptor for the same open file, or a negative status.
pub const duplicate: fn (fd: Fd) i32 = implementation.duplicate;

/// The inode of the file; 0 when it fails. A status.
pub const inode: fn (fd: Fd, number: *u64) i32 = implementation.inode;

/// 0: both descriptors are of one open file, as far as the kernel tells. Else a negative status.
pub const sameFile: fn (a: Fd, b: Fd) i32 = implementation.sameFile;

/// Makes the number `target` mean what `fd` means, in one step for all threads. A status.
pub const replace: fn (fd: Fd, target: Fd) i32 = implementation.replace;

/// The errno that write() gives for what is full.
pub const would_block: u16 = implementation.would_block;

/// Makes the other end readable. 0, or an errno. Never blocks. Raises SIGPIPE only for a pipe whose
/// read end foreign code has closed. Async-signal-safe.
pub const write: fn (fd: Fd, kind: FdKind) u16 = implementation.write;

/// Reads all that there is. 0, or an errno. Async-signal-safe.
pub const drain: fn (fd: Fd, kind: FdKind) u16 = implementation.drain;

/// Waits until it is readable. 1, or 0 when the time has passed, or a negative status.
pub const waitReadable: fn (fd: Fd, timeout_ns: u64) i32 = implementation.waitReadable;

/// The number is free afterwards, whatever the kernel says.
pub const close: fn (fd: Fd) void = implementation.close;
