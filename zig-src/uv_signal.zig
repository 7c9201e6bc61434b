//! A Node Worker's listeners: uv_signal_t on the Worker's own loop, since its `process.on` hears no
//! signals. libuv keeps its handler in place as long as one of them is started, whatever the main
//! thread adds and removes.
const std = @import("std");
const agents = @import("agent.zig");
const callFunction = @import("platform/system_call.zig").callFunction;
const hooks = @import("signal/registry.zig");
const invariant = @import("invariant.zig").invariant;
const napi = @import("napi.zig");
const subscriptions = @import("signal/subscription.zig");
const Status = @import("status.zig").Status;

const UvSignal = extern struct {
    /// The first member of each libuv handle: for its user.
    data: *Watcher,
    rest: [size - @sizeOf(usize)]u8 align(8),

    const size = if (@import("builtin").os.tag == .windows) 512 else 256;
};

const Watcher = struct {
    uv: UvSignal = undefined,
    /// The agent whose handle this is; `agents.nobody` if it is free, or `closing`. All threads
    /// read it, and the rest belongs to the thread of the agent.
    owner: std.atomic.Value(u32) = .init(agents.nobody),
    signal: u32 = 0,
    cleanup: napi.CleanupHandle = undefined,
};

/// Until onClosed(): after uv_close() libuv still uses the handle.
const closing = std.math.maxInt(u32);

const uv_signal = 16;
const watchers_max = 1024;
var watchers: [watchers_max]Watcher = @splat(.{});

pub const functions = .{
    .{ "agent_signal_start", &start },
    .{ "agent_signal_stop", &stop },
};

/// agent_signal_start(agent, signal): a status. Unreferenced.
fn start(env: napi.Env, info: napi.CallbackInfo) callconv(.c) ?napi.Value {
    const values = napi.arguments(env, info);
    const agent = napi.fromValue(u32, env, values[0]) orelse return null;
    const signal = napi.fromValue(u32, env, values[1]) orelse return null;
    return napi.toValue(env, tryStart(env, agent, signal));
}

fn tryStart(env: napi.Env, agent: u32, signal: u32) i32 {
    const loop = napi.eventLoop(env) orelse return Status.unsupported.code();
    // A larger handle would make libuv write beyond the end of ours.
    const sizeOf = napi.host("uv_handle_size", fn (c_int) callconv(.c) usize);
    invariant(sizeOf(uv_signal) <= @sizeOf(UvSignal));
    const watcher = for (&watchers) |*watcher| {
        const taken = watcher.owner.cmpxchgStrong(agents.nobody, agent, .acquire, .monotonic);
        if (taken == null) break watcher;
    } else return Status.full.code();
    watcher.signal = signal;
    watcher.uv.data = watcher;
    if (!napi.addCleanupHook(env, onCleanup, watcher, &watcher.cleanup)) {
        watcher.owner.store(agents.nobody, .release);
        return Status.unsupported.code();
    }
    const init = napi.host("uv_signal_init", fn (*anyopaque, *UvSignal) callconv(.c) c_int);
    var failed = callFunction(.uv_signal_init, init, .{ loop, &watcher.uv });
    if (failed != 0) {
        napi.removeCleanupHook(watcher.cleanup);
        watcher.owner.store(agents.nobody, .release);
        return Status.ofErrno(.uv_signal_start, @intCast(@abs(failed)));
    }
    const begin = napi.host(
        "uv_signal_start",
        fn (*UvSignal, *const fn (*UvSignal, c_int) callconv(.c) void, c_int) callconv(.c) c_int,
    );
    failed = callFunction(
        .uv_signal_start,
        begin,
        .{ &watcher.uv, &onSignal, @as(c_int, @intCast(signal)) },
    );
    napi.host("uv_unref", fn (*UvSignal) callconv(.c) void)(&watcher.uv);
    if (failed == 0) return 0;
    close(watcher);
    return Status.ofErrno(.uv_signal_start, @intCast(@abs(failed)));
}

fn onSignal(uv: *UvSignal, _: c_int) callconv(.c) void {
    hooks.listenerCalled(uv.data.owner.load(.monotonic), uv.data.signal);
}

/// agent_signal_stop(agent, signal)
fn stop(env: napi.Env, info: napi.CallbackInfo) callconv(.c) ?napi.Value {
    const values = napi.arguments(env, info);
    const agent = napi.fromValue(u32, env, values[0]) orelse return null;
    const signal = napi.fromValue(u32, env, values[1]) orelse return null;
    for (&watchers) |*watcher| {
        if (watcher.owner.load(.monotonic) != agent) continue;
        if (watcher.signal == signal) close(watcher);
    }
    return null;
}

/// For an agent that ends, on its thread. With the last handle libuv puts SIG_DFL there, so the
/// records that hook the signals are closed before.
pub fn closeAllOf(agent: u32) void {
    for (&watchers) |*watcher| if (watcher.owner.load(.monotonic) == agent) close(watcher);
}

fn close(watcher: *Watcher) void {
    watcher.owner.store(closing, .monotonic);
    napi.host(
        "uv_close",
        fn (*UvSignal, *const fn (*UvSignal) callconv(.c) void) callconv(.c) void,
    )(&watcher.uv, onClosed);
}

/// The environment ends.
fn onCleanup(_: napi.CleanupHandle, arg: *anyopaque) callconv(.c) void {
    const watcher: *Watcher = @ptrCast(@alignCast(arg));
    const agent = watcher.owner.load(.monotonic);
    if (agent == closing) return;
    subscriptions.closeAllOf(agent);
    close(watcher);
    _ = hooks.unlistened(agent, watcher.signal, 1);
}

fn onClosed(uv: *UvSignal) callconv(.c) void {
    const watcher = uv.data;
    const cleanup = watcher.cleanup;
    watcher.owner.store(agents.nobody, .release);
    napi.removeCleanupHook(cleanup);
}
