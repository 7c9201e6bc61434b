//! The wake of Windows, on every runtime: an N-API threadsafe function. It takes a lock, which is
//! no harm there: nothing interrupts a thread (platform/windows.zig).
const std = @import("std");
const agents = @import("agent.zig");
const host = @import("platform/windows_host.zig");
const napi = @import("napi.zig");
const platform = @import("platform.zig");
const realm = @import("realm.zig");
const Status = @import("status.zig").Status;

/// One for each slot of an agent. It stays mapped, as that of uv_wake.zig.
const Wake = struct {
    function: napi.ThreadsafeFunction,
    env: napi.Env,
    /// Weak, so that the wake does not keep the realm alive; strong only while the wake keeps the
    /// process alive.
    callback: napi.Ref,
    /// The agent's token.
    agent: u64,
};

pub const functions = .{
    .{ "view", &view },
    .{ "agent_wake_async", &open },
    .{ "agent_wake_ref", &ref },
    .{ "path", &path },
};

/// As in uv_wake.zig.
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

/// Closes the agent first, so that no signal uses the wake any more, and then the function. Nothing
/// when they are closing already: then onClosed() comes.
fn close(agent: u64) void {
    const wake: *Wake = @ptrCast(@alignCast(realm.closeToken(agent) orelse return));
    napi.releaseThreadsafeFunction(wake.function);
}

/// agent_wake_async(agent, callback): a wake of the agent's loop calls back. Unreferenced, and the
/// callback is the caller's to hold.
fn open(env: napi.Env, info: napi.CallbackInfo) callconv(.c) ?napi.Value {
    const values = napi.arguments(env, info);
    const agent = napi.fromValue(u32, env, values[0]) orelse return null;
    return napi.toValue(env, tryOpen(env, agent, values[1]));
}

fn tryOpen(env: napi.Env, agent: u32, callback: napi.Value) i32 {
    const place = &agents.get(agent).wake.function.argument;
    if (place.* == null) place.* = platform.map(@sizeOf(Wake));
    const wake: *Wake = @ptrCast(@alignCast(place.* orelse return Status.full.code()));
    wake.env = env;
    wake.agent = @bitCast(agents.slab.token(agent));
    wake.callback = napi.holdWeakly(env, callback) orelse return Status.unsupported.code();
    wake.function = napi.threadsafeFunction(env, onWake, onClosed, wake) orelse {
        napi.drop(env, wake.callback);
        return Status.unsupported.code();
    };
    setRef(wake, false);
    // After the function: hooks run in reverse order, and the host's own hook ends the function.
    napi.addSimpleCleanupHook(env, onCleanup, wake);
    agents.setWakeFunction(agent, send, wake);
    return 0;
}

fn send(argument: *anyopaque) callconv(.c) c_int {
    const wake: *Wake = @ptrCast(@alignCast(argument));
    return napi.callThreadsafeFunction(wake.function);
}

/// `env` is null when the function is about to end.
fn onWake(env: ?napi.Env, _: ?napi.Value, context: *anyopaque, _: ?*anyopaque) callconv(.c) void {
    const wake: *Wake = @ptrCast(@alignCast(context));
    if (env != null) napi.callFromLoop(wake.env, wake.callback);
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
    napi.refThreadsafeFunction(wake.env, wake.function, on);
}

/// The environment ends: a Worker was terminated, or the process exits.
fn onCleanup(arg: *anyopaque) callconv(.c) void {
    const wake: *Wake = @ptrCast(@alignCast(arg));
    close(wake.agent);
}

fn onClosed(env: napi.Env, context: *anyopaque, _: ?*anyopaque) callconv(.c) void {
    const wake: *Wake = @ptrCast(@alignCast(context));
    napi.removeSimpleCleanupHook(env, onCleanup, wake);
    napi.drop(env, wake.callback);
    // A host may end the function before the agent is closed.
    _ = realm.closeToken(wake.agent);
    // From here on the memory belongs to the slot's next agent.
    agents.releaseWakeFunction(@truncate(wake.agent));
}

/// path(): of the file of this library.
fn path(env: napi.Env, _: napi.CallbackInfo) callconv(.c) ?napi.Value {
    var buffer: [1024]u16 = undefined;
    return napi.toString(env, buffer[0..host.path(&buffer)]);
}
