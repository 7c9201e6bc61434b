//! What tests and the demo need from native code: threads that call functions, signal dispositions,
//! descriptors. No libc: one file for every Linux host, like the library under test.
const builtin = @import("builtin");
const std = @import("std");
const linux = std.os.linux;
const assert = std.debug.assert;
pub const bindings = @import("napi").bindings;
const napi = @import("napi");

const ValueFunction = *const fn (u64, i32) callconv(.c) void;
const PlainFunction = *const fn (u64) callconv(.c) void;

pub const functions = .{
    .{ "plan", plan, .{ "count", "interval_ns" }, "For the threads that thread_signal and thread_call start next: how often (0: until thread_stop), how far apart." },
    .{ "plan_values", planValues, .{ "first", "step" }, "For thread_signal: the values." },
    .{ "thread_signal", threadSignal, .{ "func", "arg" }, "A thread calls func(arg, first), func(arg, first + step) and so on. Gives the thread." },
    .{ "thread_call", threadCall, .{ "func", "arg" }, "A thread calls func(arg)." },
    .{ "thread_litmus", threadLitmus, .{ "func", "arg", "rounds" }, "A thread writes the round to the data word, then calls func(arg, round)." },
    .{ "thread_handshake", threadHandshake, .{ "func", "arg", "rounds" }, "As thread_litmus, but signals before the write too, and then waits until the acknowledge word holds the round." },
    .{ "thread_lives", threadLives, .{ "func", "signal" }, "A thread signals two lives of an Interrupt, and raises the signal now and then, until thread_stop: see lives_address." },
    .{ "lives_address", livesAddress, .{}, "u64[2]: the tokens that thread_lives signals, of the life that is and the one before, each with a mark from 1 to 4095 in its upper 12 bits; 0 for none. Values are mark << 19 | index. Then int32[4]: the last value for the life that is, before and after it was signalled; how many calls were for the one before; how often the signal was raised." },
    .{ "thread_read", threadRead, .{"fd"}, "A thread reads from fd; its result is what read(2) gave, or -errno." },
    .{ "thread_errno", threadErrno, .{"signal"}, "A thread's errno after a signal to itself; it was 77 before." },
    .{ "thread_idle", threadIdle, .{}, "A thread that takes any signal and does nothing, until thread_stop." },
    .{ "thread_id", threadId, .{"thread"}, "The kernel's number of the thread; 0 while it has not started." },
    .{ "thread_done", threadDone, .{"thread"}, "1 when its work is done." },
    .{ "thread_stop", threadStop, .{"thread"}, "Asks it to end after the current call." },
    .{ "thread_join", threadJoin, .{"thread"}, "Waits for its end; gives its result." },
    .{ "stamps_address", stampsAddress, .{}, "u64[65536]: when thread_signal made its call with this index (modulo the length), by now_ns." },
    .{ "now_ns", nowNs, .{}, "The monotonic clock, in nanoseconds." },
    .{ "data_address", dataAddress, .{}, "i64[16]: [0] is the data word, [8] the acknowledge word." },

    .{ "call_value", callValue, .{ "func", "arg", "value" }, "func(arg, value) on this thread." },
    .{ "call", call, .{ "func", "arg" }, "func(arg) on this thread." },
    .{ "callback_address", callbackAddress, .{}, "A native callback (arg, value): arg below 128 is the counter it counts in." },
    .{ "callback_count", callbackCount, .{"counter"}, "How often it was called." },
    .{ "callback_value", callbackValue, .{"counter"}, "The last value." },
    .{ "callback_thread", callbackThread, .{"counter"}, "The thread of the last call." },
    .{ "forward_address", forwardAddress, .{}, "A native callback that calls what forward_to told, with the same value." },
    .{ "forward_to", forwardTo, .{ "func", "arg" }, "See forward_address." },

    .{ "disposition_save", dispositionSave, .{ "signal", "slot" }, "Keeps the kernel's bytes in one of 128 slots." },
    .{ "disposition_same", dispositionSame, .{ "signal", "slot" }, "1 when they are what was kept." },
    .{ "disposition_word", dispositionWord, .{ "signal", "which" }, "0 handler, 1 flags, 2 restorer, 3 mask." },
    .{ "handler_default", handlerDefault, .{"signal"}, "SIG_DFL." },
    .{ "handler_ignore", handlerIgnore, .{"signal"}, "SIG_IGN." },
    .{ "handler_count", handlerCount, .{ "signal", "flags", "mask" }, "A handler that counts." },
    .{ "handler_forward", handlerForward, .{ "signal", "func", "arg" }, "A handler that counts and calls func(arg, signal)." },
    .{ "handled", handledCount, .{"signal"}, "How often the handler ran." },
    .{ "handled_sender", handledSender, .{"signal"}, "si_pid of its last run; 0 if it got no siginfo." },
    .{ "mask_all", maskAll, .{"on"}, "Blocks or unblocks all signals for this thread." },
    .{ "errno_after", errnoAfter, .{"signal"}, "This thread's errno after a signal to itself; it was 77 before." },

    .{ "pid", pid, .{}, "This process." },
    .{ "tid", tid, .{}, "This thread." },
    .{ "kill", kill, .{ "process", "signal", "count" }, "kill(2), count times." },
    .{ "killer_address", killerAddress, .{}, "A native function (arg): signal arg % 256 to thread arg / 256 of this process, or the calling one for 0." },
    .{ "kill_thread", killThread, .{ "thread", "signal" }, "tgkill(2) to a thread of this process." },
    .{ "fork", fork, .{ "func", "arg", "fd" }, "fork(2): the child reads from fd, unless that is -1, calls func(arg, 42) and ends. Gives its number." },
    .{ "fork_exit", forkExit, .{"address"}, "Of the int32 that forked children end with as their exit code." },
    .{ "wait_exit", waitExit, .{"process"}, "Waits for the end of a child: its exit code, or minus the signal that killed it." },
    .{ "alarm", alarm, .{"delay_us"}, "SIGALRM to this process, once: setitimer(2)." },
    .{ "timer", timer, .{ "signal", "delay_ns" }, "The signal to this process, once, by a timer of its own: timer_create(2)." },

    .{ "allow_tracing", allowTracing, .{}, "Lets any process of this user trace this one with ptrace(2)." },
    .{ "symbol_at", symbolAt, .{"address"}, "Address of the C string that names the exported function that starts there; 0: there is none." },

    .{ "pipe", makePipe, .{ "cloexec", "nonblocking" }, "A pipe: read side in the low 32 bits, write side in the high." },
    .{ "socketpair", makeSocketpair, .{}, "A non-blocking pair, packed like a pipe." },
    .{ "eventfd", makeEventfd, .{}, "A non-blocking eventfd." },
    .{ "descriptor_limit", descriptorLimit, .{"limit"}, "setrlimit(2) of RLIMIT_NOFILE; gives the one before." },
    .{ "alarm_every", alarmEvery, .{"microseconds"}, "setitimer(2): SIGALRM again and again; 0: no more." },
    .{ "duplicate", duplicateFd, .{"fd"}, "fcntl(2) with F_DUPFD_CLOEXEC." },
    .{ "replace", replaceFd, .{ "fd", "target" }, "dup2(2)." },
    .{ "close", closeFd, .{"fd"}, "close(2)." },
    .{ "fd_flags", fdFlags, .{"fd"}, "1 close-on-exec, 2 non-blocking; -1: not open." },
    .{ "readable", readable, .{ "fd", "timeout_ms" }, "1 when poll(2) says so; a negative timeout waits for ever." },
    .{ "read", readFd, .{"fd"}, "Reads up to 4096 bytes: how many, or -errno." },
    .{ "write", writeFd, .{"fd"}, "Writes a byte: 1, or -errno." },
    .{ "fill", fill, .{"fd"}, "Writes until a write would block; gives the bytes written." },
};

comptime {
    // The generator reads the table too.
    if (builtin.output_mode == .Lib) {
        bindings.exportAll("testkit_", functions);
        napi.exportModule(functions, .{.{ "view", &napi.view }});
    }
}

// Threads

const Work = union(enum) {
    signal: struct {
        func: ValueFunction,
        arg: u64,
        first: i32,
        step: i32,
        count: u32,
        interval: u64,
    },
    call: struct { func: PlainFunction, arg: u64, count: u32, interval: u64 },
    litmus: struct { func: ValueFunction, arg: u64, rounds: u32 },
    handshake: struct { func: ValueFunction, arg: u64, rounds: u32 },
    lives: struct { func: ValueFunction, signal: i32, interval: u64 },
    read: i32,
    errno: i32,
    idle,
};

const Thread = struct {
    work: Work = .idle,
    handle: usize = 0,
    id: std.atomic.Value(i32) = .init(0),
    done: std.atomic.Value(bool) = .init(false),
    stop: std.atomic.Value(bool) = .init(false),
    used: bool = false,
    result: i32 = 0,

    fn run(thread: *Thread) void {
        unmaskAll();
        thread.id.store(linux.gettid(), .seq_cst);
        thread.result = switch (thread.work) {
            .signal => |work| blk: {
                var value = work.first;
                var clock: Clock = .start(work.interval);
                var index: u32 = 0;
                while (thread.goesOn(index, work.count)) : (index +%= 1) {
                    clock.wait();
                    stamps[index % stamps.len] = nowNs();
                    work.func(work.arg, value);
                    value +%= work.step;
                }
                break :blk @bitCast(index);
            },
            .call => |work| blk: {
                var clock: Clock = .start(work.interval);
                var index: u32 = 0;
                while (thread.goesOn(index, work.count)) : (index +%= 1) {
                    clock.wait();
                    work.func(work.arg);
                }
                break :blk @bitCast(index);
            },
            .litmus => |work| blk: {
                for (1..work.rounds + 1) |round| {
                    // Not atomic, on purpose: func alone publishes it.
                    data.word = @intCast(round);
                    work.func(work.arg, @intCast(round));
                }
                break :blk 0;
            },
            .handshake => |work| blk: {
                for (1..work.rounds + 1) |round| {
                    const value: i32 = @intCast(round);
                    flushBallast();
                    work.func(work.arg, value);
                    for (&ballast) |*line| line.value = value;
                    data.word = value;
                    work.func(work.arg, value);
                    var turns: u32 = 0;
                    const acknowledged = &data.acknowledged;
                    while (@atomicLoad(i64, acknowledged, .acquire) != value) : (turns +%= 1) {
                        if (thread.stop.load(.monotonic)) break :blk value;
                        // The other side may share this core.
                        if (turns % 1024 == 1023) _ = linux.sched_yield();
                    }
                }
                break :blk 0;
            },
            .lives => |work| blk: {
                const main: i32 = linux.getpid();
                var clock: Clock = .start(work.interval);
                var now: MarkedToken = .none;
                var index: u19 = 0;
                var turns: u32 = 0;
                while (thread.goesOn(turns, 0)) : (turns +%= 1) {
                    // In bursts: several lives may pass in one.
                    if (turns % 256 == 0) clock.wait();
                    const before = lives.before.load(.seq_cst);
                    if (before != 0) {
                        const old: MarkedToken = @bitCast(before);
                        // One that it never had.
                        work.func(old.token, old.value(std.math.maxInt(u19)));
                        _ = lives.late.fetchAdd(1, .seq_cst);
                    }
                    const next: MarkedToken = @bitCast(lives.now.load(.seq_cst));
                    if (next != now) index = 0;
                    now = next;
                    if (now != MarkedToken.none and index < std.math.maxInt(u19) - 1) {
                        index += 1;
                        lives.begun.store(now.value(index), .seq_cst);
                        work.func(now.token, now.value(index));
                        lives.sent.store(now.value(index), .seq_cst);
                    }
                    if (turns % 128 != 0) continue;
                    // The thread that opens and closes, or this one, which may be late for the
                    // last.
                    const target = if (turns % 256 == 0) main else linux.gettid();
                    if (killThread(target, work.signal) == 0) {
                        _ = lives.raised.fetchAdd(1, .seq_cst);
                    }
                }
                break :blk @bitCast(turns);
            },
            .read => |fd| readFd(fd),
            .errno => |signal| errnoAfter(signal),
            .idle => blk: {
                while (!thread.stop.load(.seq_cst)) {
                    _ = linux.nanosleep(&.{ .sec = 0, .nsec = std.time.ns_per_ms }, null);
                }
                break :blk 0;
            },
        };
        thread.done.store(true, .seq_cst);
    }

    fn goesOn(thread: *Thread, index: u32, count: u32) bool {
        return !thread.stop.load(.monotonic) and (count == 0 or index < count);
    }
};

var threads: [32]Thread = @splat(.{});

/// Equal steps, whatever the calls between them take.
const Clock = struct {
    next: u64,
    interval: u64,

    fn start(interval: u64) Clock {
        return .{ .next = nowNs(), .interval = interval };
    }

    fn wait(clock: *Clock) void {
        if (clock.interval == 0) return;
        clock.next += clock.interval;
        const time: linux.timespec = .{
            .sec = @intCast(clock.next / std.time.ns_per_s),
            .nsec = @intCast(clock.next % std.time.ns_per_s),
        };
        while (linux.errno(linux.clock_nanosleep(
            .MONOTONIC,
            .{ .ABSTIME = true },
            &time,
            null,
        )) == .INTR) {}
    }
};

const pthread_create = @extern(
    ?*const fn (
        *usize,
        ?*const anyopaque,
        *const fn (?*anyopaque) callconv(.c) ?*anyopaque,
        ?*anyopaque,
    ) callconv(.c) c_int,
    .{ .name = "pthread_create", .linkage = .weak },
);
const pthread_join = @extern(
    ?*const fn (usize, ?*?*anyopaque) callconv(.c) c_int,
    .{ .name = "pthread_join", .linkage = .weak },
);
const __errno_location = @extern(
    ?*const fn () callconv(.c) *c_int,
    .{ .name = "__errno_location", .linkage = .weak },
);

fn startThread(work: Work) i32 {
    for (&threads, 0..) |*thread, index| {
        if (thread.used) continue;
        thread.* = .{ .work = work, .used = true };
        if (pthread_create.?(&thread.handle, null, threadMain, thread) != 0) return -1;
        return @intCast(index);
    }
    return -1;
}

fn threadMain(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
    const thread: *Thread = @ptrCast(@alignCast(arg.?));
    thread.run();
    return null;
}

var planned: struct { count: u32 = 0, interval: u64 = 0, first: i32 = 1, step: i32 = 1 } = .{};

fn plan(count: u32, interval_ns: u64) callconv(.c) void {
    planned.count = count;
    planned.interval = interval_ns;
}

fn planValues(first: i32, step: i32) callconv(.c) void {
    planned.first = first;
    planned.step = step;
}

fn threadSignal(func: u64, arg: u64) callconv(.c) i32 {
    return startThread(.{ .signal = .{
        .func = @ptrFromInt(func),
        .arg = arg,
        .first = planned.first,
        .step = planned.step,
        .count = planned.count,
        .interval = planned.interval,
    } });
}

fn threadCall(func: u64, arg: u64) callconv(.c) i32 {
    return startThread(.{ .call = .{
        .func = @ptrFromInt(func),
        .arg = arg,
        .count = planned.count,
        .interval = planned.interval,
    } });
}

fn threadLitmus(func: u64, arg: u64, rounds: u32) callconv(.c) i32 {
    return startThread(.{ .litmus = .{ .func = @ptrFromInt(func), .arg = arg, .rounds = rounds } });
}

fn threadHandshake(func: u64, arg: u64, rounds: u32) callconv(.c) i32 {
    return startThread(.{ .handshake = .{
        .func = @ptrFromInt(func),
        .arg = arg,
        .rounds = rounds,
    } });
}

fn threadLives(func: u64, signal: i32) callconv(.c) i32 {
    lives = .{};
    return startThread(.{ .lives = .{
        .func = @ptrFromInt(func),
        .signal = signal,
        .interval = planned.interval,
    } });
}

/// A token's upper 12 bits are 0: with the mark it is one word, and never that of another life.
const MarkedToken = packed struct(u64) {
    token: u52,
    mark: u12,

    const none: MarkedToken = @bitCast(@as(u64, 0));

    fn value(marked: MarkedToken, index: u19) i32 {
        return @bitCast(@as(u32, marked.mark) << 19 | index);
    }
};

var lives: extern struct {
    now: std.atomic.Value(u64) = .init(0),
    before: std.atomic.Value(u64) = .init(0),
    begun: std.atomic.Value(i32) = .init(0),
    sent: std.atomic.Value(i32) = .init(0),
    late: std.atomic.Value(i32) = .init(0),
    raised: std.atomic.Value(i32) = .init(0),
} = .{};

fn livesAddress() callconv(.c) u64 {
    return @intFromPtr(&lives);
}

fn threadRead(fd: i32) callconv(.c) i32 {
    return startThread(.{ .read = fd });
}

fn threadErrno(signal: i32) callconv(.c) i32 {
    return startThread(.{ .errno = signal });
}

fn threadIdle() callconv(.c) i32 {
    return startThread(.idle);
}

fn threadId(thread: i32) callconv(.c) i32 {
    return threads[@intCast(thread)].id.load(.seq_cst);
}

fn threadDone(thread: i32) callconv(.c) i32 {
    return @intFromBool(threads[@intCast(thread)].done.load(.seq_cst));
}

fn threadStop(thread: i32) callconv(.c) void {
    threads[@intCast(thread)].stop.store(true, .seq_cst);
}

fn threadJoin(index: i32) callconv(.c) i32 {
    const thread = &threads[@intCast(index)];
    const failed = pthread_join.?(thread.handle, null);
    assert(failed == 0);
    thread.used = false;
    return thread.result;
}

var stamps: [65536]u64 = @splat(0);

fn stampsAddress() callconv(.c) u64 {
    return @intFromPtr(&stamps);
}

fn nowNs() callconv(.c) u64 {
    var time: linux.timespec = undefined;
    _ = linux.clock_gettime(.MONOTONIC, &time);
    return @intCast(@as(i64, time.sec) * std.time.ns_per_s + time.nsec);
}

/// A cache line each.
const Data = extern struct {
    word: i64 align(64) = 0,
    acknowledged: i64 align(64) = 0,
};

var data: Data = .{};

/// Lines that are in no cache: stores to them, and all after them, stay in the store buffer for a
/// while, where no other core sees them.
var ballast: [32]extern struct { value: i64 align(64) } = @splat(.{ .value = 0 });

fn flushBallast() void {
    if (@import("builtin").cpu.arch != .x86_64) return;
    for (&ballast) |*line| asm volatile ("clflush (%[line])"
        :
        : [line] "r" (line),
        : .{ .memory = true });
}

fn dataAddress() callconv(.c) u64 {
    return @intFromPtr(&data);
}

// Calls

fn callValue(func: u64, arg: u64, value: i32) callconv(.c) void {
    @as(ValueFunction, @ptrFromInt(func))(arg, value);
}

fn call(func: u64, arg: u64) callconv(.c) void {
    @as(PlainFunction, @ptrFromInt(func))(arg);
}

const Counter = struct { count: u32 = 0, value: i32 = 0, thread: i32 = 0 };
var counters: [128]Counter = @splat(.{});

fn callback(arg: u64, value: i32) callconv(.c) void {
    const counter = &counters[arg];
    counter.* = .{ .count = counter.count + 1, .value = value, .thread = linux.gettid() };
}

fn callbackAddress() callconv(.c) u64 {
    return @intFromPtr(&callback);
}

fn callbackCount(counter: u32) callconv(.c) u32 {
    return counters[counter].count;
}

fn callbackValue(counter: u32) callconv(.c) i32 {
    return counters[counter].value;
}

fn callbackThread(counter: u32) callconv(.c) i32 {
    return counters[counter].thread;
}

var forward_func: ?ValueFunction = null;
var forward_arg: u64 = 0;

fn forward(_: u64, value: i32) callconv(.c) void {
    if (forward_func) |func| func(forward_arg, value);
}

fn forwardAddress() callconv(.c) u64 {
    return @intFromPtr(&forward);
}

fn forwardTo(func: u64, arg: u64) callconv(.c) void {
    forward_func = @ptrFromInt(func);
    forward_arg = arg;
}

// Signals

const Disposition = linux.k_sigaction;
const sigset_size = 8;

var saved: [128]Disposition = undefined;
var handled: [65]std.atomic.Value(u32) = @splat(.init(0));
var senders: [65]std.atomic.Value(i32) = @splat(.init(0));
var forwards: [65]struct { func: ?ValueFunction = null, arg: u64 = 0 } = @splat(.{});

fn getDisposition(signal: i32) Disposition {
    var result = std.mem.zeroes(Disposition);
    _ = linux.syscall4(.rt_sigaction, @intCast(signal), 0, @intFromPtr(&result), sigset_size);
    return result;
}

fn setDisposition(signal: i32, disposition: Disposition) i32 {
    return answer(linux.syscall4(
        .rt_sigaction,
        @intCast(signal),
        @intFromPtr(&disposition),
        0,
        sigset_size,
    ));
}

fn answer(result: usize) i32 {
    return switch (linux.errno(result)) {
        .SUCCESS => @intCast(result),
        else => |errno| -@as(i32, @backingInt(errno)),
    };
}

fn dispositionSave(signal: i32, slot: u32) callconv(.c) void {
    saved[slot] = getDisposition(signal);
}

fn dispositionSame(signal: i32, slot: u32) callconv(.c) i32 {
    const now = getDisposition(signal);
    return @intFromBool(std.mem.eql(u8, std.mem.asBytes(&now), std.mem.asBytes(&saved[slot])));
}

fn dispositionWord(signal: i32, which: u32) callconv(.c) u64 {
    const now = getDisposition(signal);
    return switch (which) {
        0 => @intFromPtr(now.handler),
        1 => now.flags,
        2 => @intFromPtr(now.restorer),
        else => @as(u64, @bitCast(now.mask)),
    };
}

fn handlerDefault(signal: i32) callconv(.c) i32 {
    return setDisposition(signal, std.mem.zeroes(Disposition));
}

fn handlerIgnore(signal: i32) callconv(.c) i32 {
    var disposition = std.mem.zeroes(Disposition);
    disposition.handler = @ptrFromInt(1);
    return setDisposition(signal, disposition);
}

/// By signal, since a handler may be called after another one has been installed.
var wants_info: [65]std.atomic.Value(bool) = @splat(.init(false));

fn handlerCount(signal: i32, flags: u64, mask: u64) callconv(.c) i32 {
    wants_info[@intCast(signal)].store(flags & linux.SA.SIGINFO != 0, .seq_cst);
    return setDisposition(signal, .{
        .handler = @ptrCast(&handler),
        .flags = flags | linux.SA.RESTORER,
        .restorer = @ptrCast(&linux.restore_rt),
        .mask = @bitCast(mask),
    });
}

fn handlerForward(signal: i32, func: u64, arg: u64) callconv(.c) i32 {
    forwards[@intCast(signal)] = .{ .func = @ptrFromInt(func), .arg = arg };
    return handlerCount(signal, linux.SA.SIGINFO | linux.SA.RESTART | linux.SA.ONSTACK, 0);
}

fn handler(signal: i32, info: ?*const linux.siginfo_t, _: ?*anyopaque) callconv(.c) void {
    const index: usize = @intCast(signal);
    if (wants_info[index].load(.seq_cst)) {
        if (info) |given| senders[index].store(given.fields.common.first.piduid.pid, .seq_cst);
    }
    const target = forwards[index];
    if (target.func) |func| func(target.arg, signal);
    _ = handled[index].fetchAdd(1, .seq_cst);
}

fn handledCount(signal: i32) callconv(.c) u32 {
    return handled[@intCast(signal)].load(.seq_cst);
}

fn handledSender(signal: i32) callconv(.c) i32 {
    return senders[@intCast(signal)].load(.seq_cst);
}

fn setMask(bits: u64) void {
    const SETMASK = 2;
    _ = linux.syscall4(.rt_sigprocmask, SETMASK, @intFromPtr(&bits), 0, sigset_size);
}

fn unmaskAll() void {
    setMask(0);
}

fn maskAll(on: i32) callconv(.c) void {
    setMask(if (on != 0) std.math.maxInt(u64) else 0);
}

fn errnoAfter(signal: i32) callconv(.c) i32 {
    const location = __errno_location.?();
    location.* = 77;
    // A signal to the caller itself is handled before the system call returns.
    _ = killThread(linux.gettid(), signal);
    return location.*;
}

fn pid() callconv(.c) i32 {
    return linux.getpid();
}

fn tid() callconv(.c) i32 {
    return linux.gettid();
}

fn kill(process: i32, signal: i32, count: u32) callconv(.c) i32 {
    for (0..count) |_| {
        const result = answer(linux.syscall2(.kill, @as(u32, @bitCast(process)), @intCast(signal)));
        if (result < 0) return result;
    }
    return 0;
}

fn killThread(thread: i32, signal: i32) callconv(.c) i32 {
    const process: u32 = @bitCast(linux.getpid());
    return answer(linux.syscall3(.tgkill, process, @as(u32, @bitCast(thread)), @intCast(signal)));
}

fn killer(arg: u64) callconv(.c) void {
    const thread: i32 = @intCast(arg / 256);
    _ = killThread(if (thread == 0) linux.gettid() else thread, @intCast(arg % 256));
}

fn killerAddress() callconv(.c) u64 {
    return @intFromPtr(&killer);
}

/// The child has none of the engine's memory: only native code runs there, and only what a signal
/// handler may do.
fn fork(func: u64, arg: u64, fd: i32) callconv(.c) i32 {
    const parent = linux.getpid();
    const child = answer(linux.fork());
    if (child != 0) return child;
    _ = linux.prctl(@backingInt(linux.PR.SET_PDEATHSIG), @backingInt(linux.SIG.KILL), 0, 0, 0);
    // It may have died before that.
    if (linux.getppid() != parent) linux.exit_group(1);
    if (fd >= 0) _ = readFd(fd);
    @as(ValueFunction, @ptrFromInt(func))(arg, 42);
    linux.exit_group(if (exit_word) |word| word.load(.seq_cst) else 0);
}

var exit_word: ?*const std.atomic.Value(i32) = null;

fn forkExit(address: u64) callconv(.c) void {
    exit_word = @ptrFromInt(address);
}

fn waitExit(process: i32) callconv(.c) i32 {
    var status: u32 = 0;
    while (linux.errno(linux.wait4(process, @ptrCast(&status), 0, null)) == .INTR) {}
    const signal: i32 = @intCast(status & 0x7f);
    return if (signal != 0) -signal else @intCast(status >> 8 & 0xff);
}

fn alarm(delay_us: u32) callconv(.c) i32 {
    const REAL = 0;
    // Interval and value, each in seconds and microseconds: what Zig's own declaration calls
    // nanoseconds.
    const time = [4]isize{ 0, 0, 0, @intCast(delay_us) };
    return answer(linux.syscall3(.setitimer, REAL, @intFromPtr(&time), 0));
}

var timers: [65]?i32 = @splat(null);

fn timer(signal: i32, delay_ns: u32) callconv(.c) i32 {
    const place = &timers[@intCast(signal)];
    if (place.* == null) {
        // struct sigevent: a value that nobody reads, the signal, and SIGEV_SIGNAL (0).
        var event: [8]u64 = @splat(0);
        event[1] = @as(u32, @intCast(signal));
        var id: i32 = 0;
        const clock = @backingInt(linux.CLOCK.MONOTONIC);
        const made = answer(linux.syscall3(
            .timer_create,
            clock,
            @intFromPtr(&event),
            @intFromPtr(&id),
        ));
        if (made < 0) return made;
        place.* = id;
    }
    const time: linux.itimerspec = .{
        .it_interval = .{ .sec = 0, .nsec = 0 },
        .it_value = .{ .sec = 0, .nsec = delay_ns },
    };
    return answer(linux.syscall4(.timer_settime, @intCast(place.*.?), 0, @intFromPtr(&time), 0));
}

// Tracing

fn allowTracing() callconv(.c) void {
    const anybody = std.math.maxInt(usize);
    _ = linux.prctl(@backingInt(linux.PR.SET_PTRACER), anybody, 0, 0, 0);
}

const DlInfo = extern struct {
    file: ?[*:0]const u8,
    base: usize,
    name: ?[*:0]const u8,
    address: usize,
};
const dladdr = @extern(
    ?*const fn (usize, *DlInfo) callconv(.c) c_int,
    .{ .name = "dladdr", .linkage = .weak },
);

fn symbolAt(address: u64) callconv(.c) u64 {
    var info: DlInfo = undefined;
    if (dladdr.?(address, &info) == 0 or info.address != address) return 0;
    return @intFromPtr(info.name);
}

// Descriptors

fn pack(ends: [2]i32) u64 {
    return @as(u64, @as(u32, @bitCast(ends[1]))) << 32 | @as(u32, @bitCast(ends[0]));
}

fn makePipe(cloexec: i32, nonblocking: i32) callconv(.c) u64 {
    var ends: [2]i32 = @splat(-1);
    _ = linux.pipe2(&ends, .{ .CLOEXEC = cloexec != 0, .NONBLOCK = nonblocking != 0 });
    return pack(ends);
}

fn makeSocketpair() callconv(.c) u64 {
    var ends: [2]i32 = @splat(-1);
    _ = linux.socketpair(
        linux.AF.UNIX,
        linux.SOCK.STREAM | linux.SOCK.CLOEXEC | linux.SOCK.NONBLOCK,
        0,
        &ends,
    );
    return pack(ends);
}

fn makeEventfd() callconv(.c) i32 {
    return answer(linux.eventfd(0, linux.EFD.CLOEXEC | linux.EFD.NONBLOCK));
}

fn descriptorLimit(limit: u32) callconv(.c) u32 {
    var limits: linux.rlimit = undefined;
    _ = linux.getrlimit(.NOFILE, &limits);
    const before = limits.cur;
    limits.cur = limit;
    _ = linux.setrlimit(.NOFILE, &limits);
    return @intCast(before);
}

fn alarmEvery(microseconds: u32) callconv(.c) void {
    const real = 0;
    const interval: [4]isize = .{ 0, microseconds, 0, microseconds };
    _ = linux.syscall3(.setitimer, real, @intFromPtr(&interval), 0);
}

fn duplicateFd(fd: i32) callconv(.c) i32 {
    return answer(linux.fcntl(fd, linux.F.DUPFD_CLOEXEC, 0));
}

fn replaceFd(fd: i32, target: i32) callconv(.c) i32 {
    return answer(linux.dup2(fd, target));
}

fn closeFd(fd: i32) callconv(.c) i32 {
    return answer(linux.close(fd));
}

fn fdFlags(fd: i32) callconv(.c) i32 {
    const descriptor = answer(linux.fcntl(fd, linux.F.GETFD, 0));
    if (descriptor < 0) return -1;
    const status: linux.O = @bitCast(@as(u32, @truncate(linux.fcntl(fd, linux.F.GETFL, 0))));
    return (descriptor & 1) | @as(i32, if (status.NONBLOCK) 2 else 0);
}

fn readable(fd: i32, timeout_ms: i32) callconv(.c) i32 {
    var fds = [_]linux.pollfd{.{ .fd = fd, .events = linux.POLL.IN, .revents = 0 }};
    const result = answer(linux.poll(&fds, 1, timeout_ms));
    if (result <= 0) return result;
    return if (fds[0].revents & linux.POLL.IN != 0) 1 else -1;
}

fn readFd(fd: i32) callconv(.c) i32 {
    var buffer: [4096]u8 = undefined;
    return answer(linux.read(fd, &buffer, buffer.len));
}

fn writeFd(fd: i32) callconv(.c) i32 {
    return answer(linux.write(fd, "!", 1));
}

fn fill(fd: i32) callconv(.c) i32 {
    // An eventfd takes eight bytes, and is full one below its highest value.
    const almost: u64 = std.math.maxInt(u64) - 1;
    if (linux.errno(linux.write(fd, std.mem.asBytes(&almost), 1)) == .INVAL) {
        return answer(linux.write(fd, std.mem.asBytes(&almost), 8));
    }
    var bytes: i32 = 1;
    const block: [4096]u8 = @splat(0);
    for ([_]usize{ block.len, 1 }) |size| {
        while (true) {
            const written = answer(linux.write(fd, &block, size));
            if (written <= 0) break;
            bytes += written;
        }
    }
    return bytes;
}
