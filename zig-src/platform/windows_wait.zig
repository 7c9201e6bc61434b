//! What the library's own threads need of Windows: a clock, and a wait that ends exactly in time.
const std = @import("std");
const api = @import("windows_api.zig");

/// Windows has the call from version 1607 on, where kernel32 does not have it yet.
pub fn beTimer(name: [*:0]const u8) void {
    const module = api.GetModuleHandleW(std.unicode.utf8ToUtf16LeStringLiteral("kernelbase.dll"));
    const address = api.GetProcAddress(module orelse return, "SetThreadDescription");
    const F = fn (api.HANDLE, [*:0]const u16) callconv(.winapi) i32;
    const set: *const F = @ptrCast(@alignCast(address orelse return));
    var wide: [16]u16 = undefined;
    for (&wide, 0..) |*unit, index| {
        unit.* = name[index];
        if (name[index] == 0) break;
    }
    _ = set(api.GetCurrentThread(), @ptrCast(&wide));
}

pub fn now(nanoseconds: *u64) i32 {
    nanoseconds.* = clock();
    return 0;
}

/// The two calls cannot fail on any Windows that a runtime supports.
pub fn clock() u64 {
    var ticks: u64 = undefined;
    var each_second: u64 = undefined;
    _ = api.QueryPerformanceCounter(&ticks);
    _ = api.QueryPerformanceFrequency(&each_second);
    // In one product it would overflow after some minutes.
    const rest = ticks % each_second * std.time.ns_per_s / each_second;
    return ticks / each_second * std.time.ns_per_s + rest;
}

/// One for each word that some thread waits for. WaitOnAddress() needs none of this, but its time
/// ends with a tick of the system's clock, which may be 15 ms late.
const Waiter = struct {
    /// The address of the word.
    word: std.atomic.Value(usize) = .init(0),
    /// Set until a wait takes it, so a change before the wait is not missed.
    event: ?api.HANDLE = null,
    timer: ?api.HANDLE = null,
};

/// The library has two such threads, each with one word. Only one thread waits for a word.
var waiters: [2]Waiter = @splat(.{});

pub fn awaitChange(
    word: *const std.atomic.Value(u32),
    value: u32,
    deadline_ns: u64,
) void {
    // Without memory for the event or the timer.
    const waiter = waiterOf(word) orelse return api.Sleep(1);
    if (word.load(.seq_cst) != value) return;
    const now_ns = clock();
    if (deadline_ns <= now_ns) return;
    const left_ns = deadline_ns - now_ns;
    // Relative, in units of 100 ns, rounded up.
    const due = -@as(i64, @intCast(@min(left_ns / 100 + 1, std.math.maxInt(i64))));
    const handles = [_]api.HANDLE{ waiter.event.?, waiter.timer.? };
    const forever = 365 * std.time.ns_per_day;
    const count: u32 = if (left_ns > forever) 1 else 2;
    if (count == 2 and api.SetWaitableTimer(handles[1], &due, 0, null, null, 0) == 0) {
        return api.Sleep(1);
    }
    _ = api.WaitForMultipleObjects(count, &handles, 0, api.INFINITE);
}

pub fn announceChange(word: *const std.atomic.Value(u32)) void {
    for (&waiters) |*waiter| {
        // A read-modify-write, so that it comes after the caller's change: the thread that finds
        // its place after that finds the changed word.
        if (waiter.word.fetchOr(0, .seq_cst) == @intFromPtr(word)) _ = api.SetEvent(waiter.event.?);
    }
}

fn waiterOf(word: *const std.atomic.Value(u32)) ?*Waiter {
    for (&waiters) |*waiter| {
        if (waiter.word.load(.seq_cst) == @intFromPtr(word)) return waiter;
    }
    // The first wait for this word. A second thread may be at the same place, for its own word.
    const event = api.CreateEventW(null, 0, 0, null) orelse return null;
    const timer = newTimer() orelse {
        _ = api.CloseHandle(event);
        return null;
    };
    while (is_changing.swap(true, .seq_cst)) _ = api.SwitchToThread();
    defer is_changing.store(false, .seq_cst);
    for (&waiters) |*waiter| {
        if (waiter.word.load(.seq_cst) != 0) continue;
        waiter.event = event;
        waiter.timer = timer;
        _ = waiter.word.swap(@intFromPtr(word), .seq_cst);
        return waiter;
    }
    unreachable;
}

var is_changing: std.atomic.Value(bool) = .init(false);

/// As exact as it gets: from Windows 10 1803 on to half a millisecond.
fn newTimer() ?api.HANDLE {
    const CREATE_WAITABLE_TIMER_HIGH_RESOLUTION = 2;
    const TIMER_ALL_ACCESS = 0x1f0003;
    return api.CreateWaitableTimerExW(
        null,
        null,
        CREATE_WAITABLE_TIMER_HIGH_RESOLUTION,
        TIMER_ALL_ACCESS,
    ) orelse api.CreateWaitableTimerExW(null, null, 0, TIMER_ALL_ACCESS);
}
