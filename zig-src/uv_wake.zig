//! Node's wake: uv_async_send, which libuv documents as safe in signal handlers.
const std = @import("std");
const agents = @import("agent.zig");
const invariant = @import("invariant.zig").invariant;
const napi = @import("napi.zig");
const platform = @import("platform.zig");
const realm = @import("realm.zig");
const callFunction = @import("platform/system_call.zig").callFunction;
const Status = @import("status.zig").Status;

const UvAsync = extern struct {
    /// The first member of each libuv handle: for its user.
    data: *Wake,
    rest: [256 - @sizeOf(usize)]u8 align(8),
};

/// One for each slot of an agent. It stays mapped: after uv_close() libuv still uses the handle for
/// a while.
const Wake = struct {
    uv: UvAsync,
    env: napi.Env,
    /// Weak, so that the wake does not keep the realm alive; strong only while the wake keeps the
    /// process alive.
    callback: napi.Ref,
    cleanup: napi.CleanupHandle,
    /// The agent's token.
    agent: u64,
};

const uv_async = 1;

pub const functions = .{
    .{ "view", &view },
    .{ "agent_wake_async", &open },
    .{ "agent_wake_ref", &ref },
};

/// view(address, length, agent): an ArrayBuffer over native memory. undefined where the engine
/// forbids such (V8's sandbox). `agent`: the token of the agent whose words these are, 0 for none.
/// It is closed when they are collected.
fn view(env: napi.Env, info: napi.CallbackInfo) callconv(.c) ?napi.Value {
    const values = napi.arguments(env, info);
    const address = napi.fromValue(u64, env, values[0]) orelse return null;
    const length = napi.fromValue(i32, env, values[1]) orelse return null;
    const agent = napi.fromValue(u64, env, values[2]) orelse return null;
    return napi.externalArrayBuffer(
        env,
        address,
        @intCast(length),
        if (agent == 0) null else onCollected,
        agent,
    );
}

/// The realm is gone. Runs on the agent's thread.
fn onCollected(_: napi.Env, _: ?*anyopaque, agent: u64) callconv(.c) void {
    close(agent);
}

/// Closes the agent first, so that no signal uses the wake any more, and then libuv's handle.
/// Nothing when they are closing already: then onClosed() comes.
fn close(agent: u64) void {
    const wake: *Wake = @ptrCast(@alignCast(realm.closeToken(agent) orelse return));
    const F = fn (*UvAsync, *const fn (*UvAsync) callconv(.c) void) callconv(.c) void;
    napi.host("uv_close", F)(&wake.uv, onClosed);
}

/// agent_wake_async(agent, callback): a wake of the agent's loop calls back. Unreferenced, and the
/// callback is the caller's to hold.
fn open(env: napi.Env, info: napi.CallbackInfo) callconv(.c) ?napi.Value {
    const values = napi.arguments(env, info);
    const agent = napi.fromValue(u32, env, values[0]) orelse return null;
    return napi.toValue(env, tryOpen(env, agent, values[1]));
}

fn tryOpen(env: napi.Env, agent: u32, callback: napi.Value) i32 {
    const loop = napi.eventLoop(env) orelse return Status.unsupported.code();
    // A larger handle would make libuv write beyond the end of ours.
    const sizeOf = napi.host("uv_handle_size", fn (c_int) callconv(.c) usize);
    invariant(sizeOf(uv_async) <= @sizeOf(UvAsync));
    const place = &agents.get(agent).wake.function.argument;
    if (place.* == null) place.* = platform.map(@sizeOf(Wake));
    const wake: *Wake = @ptrCast(@alignCast(place.* orelse return Status.full.code()));
    wake.env = env;
    wake.agent = @bitCast(agents.slab.token(agent));
    wake.callback = napi.holdWeakly(env, callback) orelse return Status.unsupported.code();
    // Before uv_async_init(): libuv closes a handle only later, so a failure after that could not
    // be undone here.
    if (!napi.addCleanupHook(env, onCleanup, wake, &wake.cleanup)) {
        napi.drop(env, wake.callback);
        return Status.unsupported.code();
    }
    const init = napi.host(
        "uv_async_init",
        fn (*anyopaque, *UvAsync, *const fn (*UvAsync) callconv(.c) void) callconv(.c) c_int,
    );
    const failed = callFunction(.uv_async_init, init, .{ loop, &wake.uv, onWake });
    if (failed != 0) {
        napi.removeCleanupHook(wake.cleanup);
        napi.drop(env, wake.callback);
        return Status.ofErrno(.uv_async_init, @intCast(@abs(failed)));
    }
    wake.uv.data = wake;
    setRef(wake, false);
    agents.setWakeFunction(
        agent,
        @ptrCast(napi.host("uv_async_send", fn (*UvAsync) callconv(.c) c_int)),
        &wake.uv,
    );
    return 0;
}

fn onWake(uv: *UvAsync) callconv(.c) void {
    napi.callFromLoop(uv.data.env, uv.data.callback);
}

/// agent_wake_ref(agent, on): whether the wake keeps the process alive.
fn ref(env: napi.Env, info: napi.CallbackInfo) callconv(.c) ?napi.Value {
    const values = napi.arguments(env, info);
    const agent = napi.fromValue(u32, env, values[0]) orelse return null;
    const on = napi.fromValue(u32, env, values[1]) orelse return null;
    const wake: *Wake = @ptrCast(@alignCast(agents.get(agent).wake.function.argument.?));
    setRef(wake, on != 0);
    napi.setStrong(env, wake.callback, on != 0);
    return null;
}

fn setRef(wake: *Wake, on: bool) void {
    const F = fn (*UvAsync) callconv(.c) void;
    if (on) napi.host("uv_ref", F)(&wake.uv) else napi.host("uv_unref", F)(&wake.uv);
}

/// The environment ends: a Worker was terminated, or the process exits.
fn onCleanup(_: napi.CleanupHandle, arg: *anyopaque) callconv(.c) void {
    const wake: *Wake = @ptrCast(@alignCast(arg));
    close(wake.agent);
}

fn onClosed(uv: *UvAsync) callconv(.c) void {
    const wake = uv.data;
    const cleanup = wake.cleanup;
    napi.drop(wake.env, wake.callback);
    // From here on the memory belongs to the slot's next agent.
    agents.releaseWakeFunction(@truncate(wake.agent));
    napi.removeCleanupHook(cleanup);
}
