//! The testkit for Windows: what the tests need that are not about POSIX. The table is the same, as
//! all runtimes open the whole of it; a function that is not here ends the process.
const std = @import("std");
const api = @import("windows_api.zig");
const callbacks = @import("callbacks.zig");
const PlainFunction = callbacks.PlainFunction;
const ValueFunction = callbacks.ValueFunction;

fn Missing(comptime F: type) type {
    const info = @typeInfo(F).@"fn";
    const P = info.param_types;
    const R = info.return_type.?;
    return switch (P.len) {
        0 => struct {
            fn call() callconv(.c) R {
                @trap();
            }
        },
        1 => struct {
            fn call(_: P[0].?) callconv(.c) R {
                @trap();
            }
        },
        2 => struct {
            fn call(_: P[0].?, _: P[1].?) callconv(.c) R {
                @trap();
            }
        },
        else => struct {
            fn call(_: P[0].?, _: P[1].?, _: P[2].?) callconv(.c) R {
                @trap();
            }
        },
    };
}

const descriptors = @import("descriptors.zig");
const dispositions = @import("dispositions.zig");
const event_loops = @import("event_loops.zig");
const lives = @import("lives.zig");
const processes = @import("processes.zig");
const senders = @import("senders.zig");
const signals = @import("signals.zig");
const threads = @import("threads.zig");

pub const threadLitmus = Missing(@TypeOf(threads.threadLitmus)).call;
pub const threadHandshake = Missing(@TypeOf(threads.threadHandshake)).call;
pub const threadLives = Missing(@TypeOf(threads.threadLives)).call;
pub const livesAddress = Missing(@TypeOf(lives.livesAddress)).call;
pub const threadRead = Missing(@TypeOf(threads.threadRead)).call;
pub const threadErrno = Missing(@TypeOf(threads.threadErrno)).call;
pub const threadLoop = Missing(@TypeOf(threads.threadLoop)).call;
pub const threadIdle = Missing(@TypeOf(threads.threadIdle)).call;
pub const stampsAddress = Missing(@TypeOf(senders.stampsAddress)).call;
pub const dataAddress = Missing(@TypeOf(senders.dataAddress)).call;
pub const loopDrain = Missing(@TypeOf(event_loops.loopDrain)).call;
pub const loopRun = Missing(@TypeOf(event_loops.loopRun)).call;
pub const loopTurns = Missing(@TypeOf(event_loops.loopTurns)).call;
pub const dispositionSave = Missing(@TypeOf(dispositions.dispositionSave)).call;
pub const dispositionSame = Missing(@TypeOf(dispositions.dispositionSame)).call;
pub const dispositionWord = Missing(@TypeOf(dispositions.dispositionWord)).call;
pub const handlerDefault = Missing(@TypeOf(dispositions.handlerDefault)).call;
pub const handlerIgnore = Missing(@TypeOf(dispositions.handlerIgnore)).call;
pub const handlerForward = Missing(@TypeOf(dispositions.handlerForward)).call;
pub const handledSender = Missing(@TypeOf(dispositions.handledSender)).call;
pub const maskAll = Missing(@TypeOf(signals.maskAll)).call;
pub const errnoAfter = Missing(@TypeOf(signals.errnoAfter)).call;
pub const kill = Missing(@TypeOf(signals.kill)).call;
pub const killerAddress = Missing(@TypeOf(signals.killerAddress)).call;
pub const fork = Missing(@TypeOf(processes.fork)).call;
pub const forkExit = Missing(@TypeOf(processes.forkExit)).call;
pub const alarm = Missing(@TypeOf(signals.alarm)).call;
pub const timer = Missing(@TypeOf(signals.timer)).call;
pub const allowTracing = Missing(@TypeOf(processes.allowTracing)).call;
pub const symbolAt = Missing(@TypeOf(processes.symbolAt)).call;
pub const makePipe = Missing(@TypeOf(descriptors.makePipe)).call;
pub const makeEventfd = Missing(@TypeOf(descriptors.makeEventfd)).call;
pub const descriptorLimit = Missing(@TypeOf(descriptors.descriptorLimit)).call;
pub const alarmEvery = Missing(@TypeOf(signals.alarmEvery)).call;
pub const duplicateFd = Missing(@TypeOf(descriptors.duplicateFd)).call;
pub const replaceFd = Missing(@TypeOf(descriptors.replaceFd)).call;
pub const fdFlags = Missing(@TypeOf(descriptors.fdFlags)).call;
pub const makeSocketpair = Missing(@TypeOf(descriptors.makeSocketpair)).call;
pub const readFd = Missing(@TypeOf(descriptors.readFd)).call;
pub const writeFd = Missing(@TypeOf(descriptors.writeFd)).call;
pub const fill = Missing(@TypeOf(descriptors.fill)).call;

// Threads

pub fn pid() callconv(.c) i32 {
    return @bitCast(api.GetCurrentProcessId());
}

pub fn tid() callconv(.c) i32 {
    return @bitCast(api.GetCurrentThreadId());
}

pub fn nowNs() callconv(.c) u64 {
    var ticks: u64 = undefined;
    var each_second: u64 = undefined;
    _ = api.QueryPerformanceCounter(&ticks);
    _ = api.QueryPerformanceFrequency(&each_second);
    return ticks / each_second * std.time.ns_per_s +
        ticks % each_second * std.time.ns_per_s / each_second;
}

const Thread = struct {
    value_func: ?ValueFunction = null,
    func: ?PlainFunction = null,
    arg: u64 = 0,
    plan: Plan = .{},
    handle: ?api.HANDLE = null,
    id: std.atomic.Value(i32) = .init(0),
    done: std.atomic.Value(bool) = .init(false),
    stop: std.atomic.Value(bool) = .init(false),
    used: bool = false,
    result: i32 = 0,

    fn run(argument: ?*anyopaque) callconv(.winapi) u32 {
        const thread: *Thread = @ptrCast(@alignCast(argument.?));
        thread.id.store(tid(), .seq_cst);
        var value = thread.plan.first;
        var index: u32 = 0;
        while (!thread.stop.load(.monotonic)) : (index +%= 1) {
            if (thread.plan.count != 0 and index == thread.plan.count) break;
            thread.wait();
            if (thread.value_func) |func| func(thread.arg, value) else thread.func.?(thread.arg);
            value +%= thread.plan.step;
        }
        thread.result = @bitCast(index);
        thread.done.store(true, .seq_cst);
        return 0;
    }

    /// In steps of a millisecond.
    fn wait(thread: *Thread) void {
        const interval_ms = thread.plan.interval / std.time.ns_per_ms;
        if (thread.plan.interval != 0) api.Sleep(@intCast(@max(interval_ms, 1)));
    }
};

const Plan = struct { count: u32 = 0, interval: u64 = 0, first: i32 = 1, step: i32 = 1 };
var planned: Plan = .{};
var started: [32]Thread = @splat(.{});

pub fn plan(count: u32, interval_ns: u64) callconv(.c) void {
    planned.count = count;
    planned.interval = interval_ns;
}

pub fn planValues(first: i32, step: i32) callconv(.c) void {
    planned.first = first;
    planned.step = step;
}

fn startThread(work: Thread) i32 {
    for (&started, 0..) |*thread, index| {
        if (thread.used) continue;
        thread.* = work;
        thread.used = true;
        thread.plan = planned;
        thread.handle = api.CreateThread(null, 0, &Thread.run, thread, 0, null) orelse return -1;
        return @intCast(index);
    }
    return -1;
}

pub fn threadSignal(func: u64, arg: u64) callconv(.c) i32 {
    return startThread(.{ .value_func = @ptrFromInt(func), .arg = arg });
}

pub fn threadCall(func: u64, arg: u64) callconv(.c) i32 {
    return startThread(.{ .func = @ptrFromInt(func), .arg = arg });
}

pub fn threadId(thread: i32) callconv(.c) i32 {
    return started[@intCast(thread)].id.load(.seq_cst);
}

pub fn threadDone(thread: i32) callconv(.c) i32 {
    return @intFromBool(started[@intCast(thread)].done.load(.seq_cst));
}

pub fn threadStop(thread: i32) callconv(.c) void {
    started[@intCast(thread)].stop.store(true, .seq_cst);
}

pub fn threadJoin(index: i32) callconv(.c) i32 {
    const thread = &started[@intCast(index)];
    _ = api.WaitForSingleObject(thread.handle.?, 0xffff_ffff);
    _ = api.CloseHandle(thread.handle.?);
    thread.used = false;
    return thread.result;
}

// Events of the console

/// Starts the thread that Windows starts in a process for an event of its console. So this is how
/// the real events arrive, but for the console itself. INT, BREAK and HUP; to this process.
pub fn killThread(_: i32, signal: i32) callconv(.c) i32 {
    const event: usize = switch (signal) {
        2 => 0,
        21 => 1,
        1 => 2,
        else => return -1,
    };
    const module = api.GetModuleHandleW(std.unicode.utf8ToUtf16LeStringLiteral("kernelbase.dll"));
    const routine = api.GetProcAddress(module.?, "CtrlRoutine") orelse return -1;
    const thread =
        api.CreateThread(null, 0, routine, @ptrFromInt(event), 0, null) orelse return -1;
    if (last_event) |last| _ = api.CloseHandle(last);
    last_event = thread;
    return 0;
}

/// Its thread.
var last_event: ?api.HANDLE = null;

/// Waits until all handlers have had the last event.
pub fn waitExit(_: i32) callconv(.c) i32 {
    return @bitCast(api.WaitForSingleObject(last_event.?, 0xffff_ffff));
}

var handled: std.atomic.Value(u32) = .init(0);

/// A handler that counts all events, after a while, and leaves each to the next one.
pub fn handlerCount(_: i32, _: u64, _: u64) callconv(.c) i32 {
    return api.SetConsoleCtrlHandler(&countEvent, 1) - 1;
}

fn countEvent(_: u32) callconv(.winapi) i32 {
    api.Sleep(50);
    _ = handled.fetchAdd(1, .seq_cst);
    return 0;
}

pub fn handledCount(_: i32) callconv(.c) u32 {
    return handled.load(.seq_cst);
}

// Sockets

pub fn readable(fd: i32, timeout_ms: i32) callconv(.c) i32 {
    var fds = [_]api.WSAPOLLFD{.{ .fd = @as(u32, @bitCast(fd)), .events = 0x300, .revents = 0 }};
    return api.WSAPoll(&fds, 1, timeout_ms);
}

pub fn closeFd(fd: i32) callconv(.c) i32 {
    return api.closesocket(@as(u32, @bitCast(fd)));
}
