//! What the questions of sender.ts, reaction.ts and scale.ts need from native code: threads that
//! call a function and measure themselves, a clock, the peers that are native functions. No libc,
//! as in testkit.zig.
const std = @import("std");
const builtin = @import("builtin");
const linux = std.os.linux;
const assert = std.debug.assert;
pub const bindings = @import("napi").bindings;
const napi = @import("napi");

const ValueFunction = *const fn (u64, i32) callconv(.c) void;

pub const functions = .{
    .{ "plan", plan, .{ "threads", "calls", "limit_ns" }, "For start: how many threads, calls of each, and when a thread gives up (0: never)." },
    .{ "pace", pace, .{ "least_ns", "most_ns" }, "For start and pause: a thread sleeps so long before each call, at random. 0, 0: not at all." },
    .{ "count_system_calls", countSystemCalls, .{"on"}, "For start: counts instead of measuring; slow where there are any. 0: cannot be had here." },
    .{ "start", start, .{ "func", "arg" }, "The threads call func(arg, 1), func(arg, 2) and so on." },
    .{ "shared_address", sharedAddress, .{}, "int32[16]: [0] how many of the threads still run." },
    .{ "join", join, .{}, "Waits for their end." },
    .{ "result", result, .{"which"}, "0 calls, 1 ps a call (the median of 256 parts), 2 ns of all threads together, 3 system calls, 4 and 5 resident bytes before and after." },
    .{ "count_own", countOwn, .{"on"}, "The calling thread's system calls are counted from here on, or no more." },
    .{ "system_calls", systemCalls, .{}, "How many were counted." },
    .{ "resident", resident, .{}, "This process's memory, in bytes." },

    .{ "sent_address", sentAddress, .{}, "u64[65536]: when the call with value index + 1 began; kept while there is a pace." },
    .{ "arrived_address", arrivedAddress, .{}, "u64[65536]: by arrive." },
    .{ "depart", depart, .{"value"}, "The caller is about to send this value." },
    .{ "arrive", arrive, .{"value"}, "The caller has got this value." },
    .{ "pause", pause, .{}, "See pace." },
    .{ "now_ns", now, .{}, "The monotonic clock." },
    .{ "nothing", nothing, .{"value"}, "To know what a call costs." },

    .{ "target", setTarget, .{ "func", "arg" }, "For signal_target." },
    .{ "signal_target", signalTarget, .{"value"}, "Calls it, and adds what that took to timed_ns." },
    .{ "call_target", callTarget, .{"value"}, "Calls it, and nothing else." },
    .{ "timed_ns", timedNs, .{}, "The sum since the last call, the clock's own time taken off." },
    .{ "rounds", rounds, .{ "targets_address", "targets", "rounds" }, "A thread calls the targets (u64 pairs func, arg) in turn, each when the last one was answered; adds what a call took to timed_ns." },
    .{ "expect", expect, .{"answers"}, "For rounds: how many answers a call has." },
    .{ "answer_address", answerAddress, .{}, "A native callback (arg, value)." },

    .{ "tsfn_address", tsfnAddress, .{}, "A native function (arg, value): napi_call_threadsafe_function, without waiting." },
    .{ "write_address", writeAddress, .{}, "A native function (arg, value): write(2) of one byte to the descriptor arg." },
    .{ "kill_address", killAddress, .{}, "A native function (arg, value): kill(2), signal arg, this process." },
    .{ "raise_address", raiseAddress, .{}, "A native function (arg, value): signal arg to the calling thread, which handles it before this returns." },
    .{ "pipe", makePipe, .{}, "Non-blocking: read side in the low 32 bits, write side in the high." },
    .{ "exit", exit, .{"code"}, "At once: what a peer has queued is not freed." },
};

comptime {
    // The generator reads the table too.
    if (builtin.output_mode == .Lib) {
        bindings.exportAll("benchkit_", functions);
        napi.exportModule(functions, .{ .{ "view", &napi.view }, .{ "tsfn_open", &tsfnOpen } });
    }
}

// Threads that call

const Sender = struct {
    handle: usize = 0,
    calls: u64 = 0,
    ns: u64 = 0,
    /// Picoseconds per call of each part. Their median leaves out a part in which the thread had to
    /// wait for a processor.
    parts: [parts_max]u64 = undefined,
    parts_count: u32 = 0,

    fn measured(sender: *Sender, ns: u64, calls: u64) void {
        sender.calls += calls;
        sender.ns += ns;
        sender.parts[sender.parts_count] = ns * 1000 / calls;
        sender.parts_count += 1;
    }
};

const parts_max = 256;

var senders: [16]Sender = @splat(.{});

/// JavaScript polls it, so nothing else shares its cache line.
var shared: struct { running: std.atomic.Value(i32) align(64) = .init(0) } = .{};

var job: struct {
    threads: u32 align(64) = 1,
    calls: u32 = 0,
    limit: u64 = 0,
    least: u64 = 0,
    most: u64 = 0,
    counts: bool = false,
    func: ValueFunction = undefined,
    arg: u64 = 0,
    ready: std.atomic.Value(u32) = .init(0),
    go: std.atomic.Value(bool) = .init(false),
    resident_before: u64 = 0,
    resident_after: u64 = 0,
} = .{};

fn plan(threads: u32, calls: u32, limit_ns: u64) callconv(.c) void {
    job.threads = threads;
    job.calls = calls;
    job.limit = limit_ns;
}

fn pace(least_ns: u64, most_ns: u64) callconv(.c) void {
    job.least = least_ns;
    job.most = most_ns;
    // Touch their pages now: a page fault while something is measured would be measured too.
    @memset(@as(*volatile Stamps, &sent), 0);
    @memset(@as(*volatile Stamps, &arrived), 0);
}

fn start(func: u64, arg: u64) callconv(.c) void {
    assert(job.threads <= senders.len and shared.running.load(.seq_cst) == 0);
    job.func = @ptrFromInt(func);
    job.arg = arg;
    job.ready.store(0, .seq_cst);
    job.go.store(false, .seq_cst);
    shared.running.store(@intCast(job.threads), .seq_cst);
    for (senders[0..job.threads]) |*sender| {
        sender.* = .{};
        startThread(&sender.handle, senderMain, sender);
    }
}

fn senderMain(arg: ?*anyopaque) callconv(.c) ?*anyopaque {
    const sender: *Sender = @ptrCast(@alignCast(arg.?));
    maskAllBut(SIGSYS);
    if (job.ready.fetchAdd(1, .seq_cst) + 1 == job.threads) {
        // Time for JavaScript to enter its loop, and for the engine to compile it.
        sleep(20 * std.time.ns_per_ms);
        if (!job.counts) {
            _ = resident();
            job.resident_before = resident();
        }
        job.go.store(true, .seq_cst);
    }
    while (!job.go.load(.acquire)) _ = linux.sched_yield();

    if (job.counts) countOwn(1);
    const part = @max(1, (job.calls + parts_max - 1) / parts_max);
    const begin = now();
    var end = begin;
    while (sender.calls < job.calls and (job.limit == 0 or end - begin < job.limit)) {
        const from = end;
        const count = @min(part, job.calls - sender.calls);
        if (job.most > 0) callPaced(sender.calls, count) else callAll(sender.calls, count);
        end = now();
        sender.measured(end - from, count);
    }
    if (job.counts) countOwn(0);

    if (job.ready.fetchSub(1, .seq_cst) == 1) {
        if (!job.counts) job.resident_after = resident();
        shared.running.store(0, .seq_cst);
    }
    return null;
}

fn callAll(after: u64, count: u64) void {
    const func, const arg = .{ job.func, job.arg };
    for (0..count) |index| func(arg, @intCast(after + index + 1));
}

fn callPaced(after: u64, count: u64) void {
    for (0..count) |index| {
        const value: i32 = @intCast(after + index + 1);
        pause();
        depart(value);
        job.func(job.arg, value);
    }
}

fn sharedAddress() callconv(.c) u64 {
    return @intFromPtr(&shared);
}

fn join() callconv(.c) void {
    for (senders[0..job.threads]) |*sender| joinThread(sender.handle);
}

fn result(which: u32) callconv(.c) u64 {
    return switch (which) {
        0 => sum("calls"),
        1 => medianPart(),
        2 => sum("ns"),
        3 => counted.load(.seq_cst),
        4 => job.resident_before,
        else => job.resident_after,
    };
}

fn sum(comptime field: []const u8) u64 {
    var all: u64 = 0;
    for (senders[0..job.threads]) |*sender| all += @field(sender, field);
    return all;
}

fn medianPart() u64 {
    const all = struct {
        var parts: [senders.len * parts_max]u64 = undefined;
    };
    var count: usize = 0;
    for (senders[0..job.threads]) |*sender| {
        const parts = sender.parts[0..sender.parts_count];
        @memcpy(all.parts[count..][0..parts.len], parts);
        count += parts.len;
    }
    if (count == 0) return 0;
    std.mem.sortUnstable(u64, all.parts[0..count], {}, std.sort.asc(u64));
    return all.parts[count / 2];
}

fn startThread(
    handle: *usize,
    main: *const fn (?*anyopaque) callconv(.c) ?*anyopaque,
    arg: ?*anyopaque,
) void {
    const F = fn (
        *usize,
        ?*const anyopaque,
        *const fn (?*anyopaque) callconv(.c) ?*anyopaque,
        ?*anyopaque,
    ) callconv(.c) c_int;
    const failed = napi.host("pthread_create", F)(handle, null, main, arg);
    assert(failed == 0);
}

fn joinThread(handle: usize) void {
    const failed = napi.host(
        "pthread_join",
        fn (usize, ?*?*anyopaque) callconv(.c) c_int,
    )(handle, null);
    assert(failed == 0);
}

// System calls, counted exactly: with PR_SET_SYSCALL_USER_DISPATCH the kernel turns each call of a
// thread into SIGSYS, and the handler counts it and makes it

const SIGSYS = 31;
const can_count = builtin.cpu.arch == .x86_64;

var counted: std.atomic.Value(u64) align(64) = .init(0);

/// The code from which the kernel lets system calls pass. benchkit_pass makes the call that seven
/// words describe, its number and arguments; benchkit_pass_restore is rt_sigreturn.
const pass = struct {
    extern const benchkit_pass: u8;
    extern const benchkit_pass_end: u8;
    extern fn benchkit_pass_restore() callconv(.naked) noreturn;

    comptime {
        if (can_count) asm (
            \\.text
            \\.hidden benchkit_pass
            \\.hidden benchkit_pass_end
            \\.hidden benchkit_pass_restore
            \\.globl benchkit_pass
            \\.globl benchkit_pass_end
            \\.globl benchkit_pass_restore
            \\benchkit_pass:
            \\  mov 0(%rdi), %rax
            \\  mov 16(%rdi), %rsi
            \\  mov 24(%rdi), %rdx
            \\  mov 32(%rdi), %r10
            \\  mov 40(%rdi), %r8
            \\  mov 48(%rdi), %r9
            \\  mov 8(%rdi), %rdi
            \\  syscall
            \\  ret
            \\benchkit_pass_restore:
            \\  mov $15, %eax
            \\  syscall
            \\  ud2
            \\benchkit_pass_end:
        );
    }

    fn call(words: *const [7]u64) u64 {
        const function: *const fn (*const [7]u64) callconv(.c) u64 = @ptrCast(&benchkit_pass);
        return function(words);
    }
};

/// The kernel's ucontext_t on x86_64, up to the last register that is read here.
const Context = extern struct {
    head: [5]u64,
    r8: u64,
    r9: u64,
    r10: u64,
    r11_to_r15: [5]u64,
    rdi: u64,
    rsi: u64,
    rbp: u64,
    rbx: u64,
    rdx: u64,
    rax: u64,
    rcx: u64,
    rsp: u64,
    rip: u64,
};

fn countSystemCalls(on: i32) callconv(.c) i32 {
    job.counts = on != 0 and can_count;
    counted.store(0, .seq_cst);
    return @intFromBool(can_count);
}

fn systemCalls() callconv(.c) u64 {
    return counted.load(.seq_cst);
}

fn countOwn(on: i32) callconv(.c) void {
    if (!can_count) return;
    const PR_SET_SYSCALL_USER_DISPATCH = 59;
    const from = @intFromPtr(&pass.benchkit_pass);
    const length = @intFromPtr(&pass.benchkit_pass_end) - from;
    if (on == 0) {
        _ = pass.call(&.{
            @backingInt(linux.SYS.prctl),
            PR_SET_SYSCALL_USER_DISPATCH,
            0,
            0,
            0,
            0,
            0,
        });
        return;
    }
    const action: linux.k_sigaction = .{
        .handler = @ptrCast(&onSystemCall),
        .flags = linux.SA.SIGINFO | linux.SA.NODEFER | linux.SA.RESTORER,
        .restorer = @ptrCast(&pass.benchkit_pass_restore),
        .mask = @bitCast(~(@as(u64, 1) << (SIGSYS - 1))),
    };
    _ = linux.syscall4(.rt_sigaction, SIGSYS, @intFromPtr(&action), 0, 8);
    const failed = linux.syscall5(.prctl, PR_SET_SYSCALL_USER_DISPATCH, 1, from, length, 0);
    assert(failed == 0);
}

fn onSystemCall(_: i32, _: *const anyopaque, context: *Context) callconv(.c) void {
    if (context.rax == @backingInt(linux.SYS.rt_sigreturn)) {
        // Another handler returns: rt_sigreturn must be called on its stack.
        context.rip = @intFromPtr(&pass.benchkit_pass_restore);
        return;
    }
    _ = counted.fetchAdd(1, .monotonic);
    context.rax = pass.call(&.{
        context.rax,
        context.rdi,
        context.rsi,
        context.rdx,
        context.r10,
        context.r8,
        context.r9,
    });
}

fn maskAllBut(signal: u6) void {
    const SETMASK = 2;
    const bits = ~(@as(u64, 1) << (signal - 1));
    _ = linux.syscall4(.rt_sigprocmask, SETMASK, @intFromPtr(&bits), 0, 8);
}

// Memory

/// By smaps_rollup: the figure of statm may be off by megabytes, since the kernel counts on each
/// processor first and adds up later.
fn resident() callconv(.c) u64 {
    const file = linux.openat(linux.AT.FDCWD, "/proc/self/smaps_rollup", .{ .CLOEXEC = true }, 0);
    if (linux.errno(file) != .SUCCESS) return 0;
    defer _ = linux.close(@intCast(file));
    const buffer = struct {
        var text: [4096]u8 = undefined;
    };
    const length = linux.read(@intCast(file), &buffer.text, buffer.text.len);
    if (linux.errno(length) != .SUCCESS) return 0;
    var rest: []const u8 = buffer.text[0..length];
    const name = "Rss:";
    rest = rest[(std.mem.find(u8, rest, name) orelse return 0) + name.len ..];
    var kilobytes: u64 = 0;
    for (rest) |character| switch (character) {
        '0'...'9' => kilobytes = kilobytes * 10 + character - '0',
        ' ' => {},
        else => break,
    };
    return kilobytes * 1024;
}

// Time

/// By the host's libc, which makes no system call for it.
fn now() callconv(.c) u64 {
    var time: linux.timespec = undefined;
    _ = napi.host("clock_gettime", fn (c_int, *linux.timespec) callconv(.c) c_int)(1, &time);
    return @intCast(@as(i64, time.sec) * std.time.ns_per_s + time.nsec);
}

fn sleep(ns: u64) void {
    const time: linux.timespec = .{
        .sec = @intCast(ns / std.time.ns_per_s),
        .nsec = @intCast(ns % std.time.ns_per_s),
    };
    _ = linux.nanosleep(&time, null);
}

var random: std.atomic.Value(u32) = .init(1);

/// Sleeps. A busy thread would need a processor for itself, and the engine's own threads would then
/// take the one of JavaScript.
fn pause() callconv(.c) void {
    if (job.most == 0) return;
    const bits = random.fetchAdd(0x9e3779b9, .monotonic);
    sleep(job.least + bits % (job.most - job.least + 1));
}

const Stamps = [65536]u64;
var sent: Stamps align(64) = @splat(0);
var arrived: Stamps align(64) = @splat(0);

fn sentAddress() callconv(.c) u64 {
    return @intFromPtr(&sent);
}

fn arrivedAddress() callconv(.c) u64 {
    return @intFromPtr(&arrived);
}

fn depart(value: i32) callconv(.c) void {
    sent[@intCast(value - 1)] = now();
}

fn arrive(value: i32) callconv(.c) void {
    arrived[@intCast(value - 1)] = now();
}

fn nothing(_: i32) callconv(.c) void {}

// One call at a time

var target: struct { func: ValueFunction, arg: u64 } = undefined;
var timed: struct { ns: u64 = 0, calls: u64 = 0 } = .{};

fn setTarget(func: u64, arg: u64) callconv(.c) void {
    target = .{ .func = @ptrFromInt(func), .arg = arg };
}

fn signalTarget(value: i32) callconv(.c) void {
    const begin = now();
    target.func(target.arg, value);
    timed.ns += now() - begin;
    timed.calls += 1;
}

fn callTarget(value: i32) callconv(.c) void {
    target.func(target.arg, value);
}

fn timedNs() callconv(.c) u64 {
    const clock = clockNs();
    const all = timed.ns;
    const own = @as(u64, @intFromFloat(clock * @as(f64, @floatFromInt(timed.calls))));
    timed = .{};
    return all -| own;
}

/// How far apart two readings of the clock are when nothing is between them.
fn clockNs() f64 {
    const looks = 1000;
    var all: u64 = 0;
    for (0..looks) |_| {
        const begin = now();
        all += now() - begin;
    }
    return @as(f64, @floatFromInt(all)) / looks;
}

const Target = extern struct { func: u64, arg: u64 };
var turns: struct { targets: [*]const Target, count: u32, rounds: u32 } = undefined;
var answers: std.atomic.Value(u32) align(64) = .init(0);

var expected: u32 = 1;

fn expect(how_many: u32) callconv(.c) void {
    expected = how_many;
}

fn rounds(targets_address: u64, count: u32, how_many: u32) callconv(.c) void {
    assert(shared.running.load(.seq_cst) == 0);
    turns = .{ .targets = @ptrFromInt(targets_address), .count = count, .rounds = how_many };
    job.threads = 1;
    senders[0] = .{};
    shared.running.store(1, .seq_cst);
    startThread(&senders[0].handle, roundsMain, null);
}

fn roundsMain(_: ?*anyopaque) callconv(.c) ?*anyopaque {
    for (0..turns.rounds) |_| for (turns.targets[0..turns.count]) |each| {
        const func: ValueFunction = @ptrFromInt(each.func);
        // A loop that has just answered is not asleep yet, and waking it would cost nothing.
        const asleep = now() + 100 * std.time.ns_per_us;
        while (now() < asleep) std.atomic.spinLoopHint();
        answers.store(0, .seq_cst);
        const begin = now();
        func(each.arg, 1);
        timed.ns += now() - begin;
        timed.calls += 1;
        while (answers.load(.seq_cst) < expected) _ = linux.sched_yield();
    };
    shared.running.store(0, .seq_cst);
    return null;
}

fn answer(_: u64, _: i32) callconv(.c) void {
    _ = answers.fetchAdd(1, .seq_cst);
}

fn answerAddress() callconv(.c) u64 {
    return @intFromPtr(&answer);
}

// Peers

const Tsfn = *opaque {};

/// tsfn_open(callback): a threadsafe function, as the arg of tsfn_address's.
fn tsfnOpen(env: napi.Env, info: napi.CallbackInfo) callconv(.c) ?napi.Value {
    const values = napi.arguments(env, info);
    var name: napi.Value = undefined;
    const Name = fn (napi.Env, [*:0]const u8, usize, *napi.Value) callconv(.c) c_int;
    if (napi.host("napi_create_string_utf8", Name)(env, "bench", 5, &name) != 0) return null;
    var tsfn: Tsfn = undefined;
    const Create = fn (
        napi.Env,
        napi.Value,
        ?napi.Value,
        napi.Value,
        usize,
        usize,
        ?*anyopaque,
        ?*anyopaque,
        ?*anyopaque,
        ?*anyopaque,
        *Tsfn,
    ) callconv(.c) c_int;
    const status = napi.host("napi_create_threadsafe_function", Create)(
        env,
        values[0],
        null,
        name,
        0,
        1,
        null,
        null,
        null,
        null,
        &tsfn,
    );
    return napi.toValue(env, if (status == 0) @as(u64, @intFromPtr(tsfn)) else 0);
}

fn tsfnCall(arg: u64, _: i32) callconv(.c) void {
    const nonblocking = 0;
    _ = napi.host(
        "napi_call_threadsafe_function",
        fn (u64, ?*anyopaque, c_int) callconv(.c) c_int,
    )(arg, null, nonblocking);
}

fn tsfnAddress() callconv(.c) u64 {
    return @intFromPtr(&tsfnCall);
}

fn writeByte(arg: u64, _: i32) callconv(.c) void {
    _ = linux.write(@intCast(arg), "!", 1);
}

fn writeAddress() callconv(.c) u64 {
    return @intFromPtr(&writeByte);
}

fn killSelf(arg: u64, _: i32) callconv(.c) void {
    const process: u32 = @bitCast(linux.getpid());
    _ = linux.syscall2(.kill, process, arg);
}

fn killAddress() callconv(.c) u64 {
    return @intFromPtr(&killSelf);
}

fn raise(arg: u64, _: i32) callconv(.c) void {
    const process: u32 = @bitCast(linux.getpid());
    const thread: u32 = @bitCast(linux.gettid());
    _ = linux.syscall3(.tgkill, process, thread, arg);
}

fn raiseAddress() callconv(.c) u64 {
    return @intFromPtr(&raise);
}

fn makePipe() callconv(.c) u64 {
    var ends: [2]i32 = @splat(-1);
    _ = linux.pipe2(&ends, .{ .CLOEXEC = true, .NONBLOCK = true });
    return @as(u64, @intCast(ends[1])) << 32 | @as(u64, @intCast(ends[0]));
}

fn exit(code: i32) callconv(.c) void {
    linux.exit_group(code);
}
