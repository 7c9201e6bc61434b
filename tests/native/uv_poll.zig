//! An N-API addon which watches a descriptor on the event loop of its runtime, with the code of
//! docs/event_loops.md, which build.zig compiles into it.
const napi = @import("napi");
const turns = @import("testkit/turns.zig");

extern fn watch_uv_poll(loop: *anyopaque, fd: i32, drain: u64, arg: u64) c_int;

/// uv_poll_watch(fd, func, arg): calls func(arg) whenever the descriptor is readable. Gives 0, or
/// libuv's error.
fn watch(env: napi.Env, info: napi.CallbackInfo) callconv(.c) ?napi.Value {
    const values = napi.arguments(env, info);
    const fd = napi.fromValue(i32, env, values[0]) orelse return null;
    const func = napi.fromValue(u64, env, values[1]) orelse return null;
    const arg = napi.fromValue(u64, env, values[2]) orelse return null;
    return napi.toValue(env, @as(i32, watch_uv_poll(napi.eventLoop(env).?, fd, func, arg)));
}

fn expect(count: u32) callconv(.c) void {
    turns.expect(count);
}

fn seen() callconv(.c) u32 {
    return turns.seen();
}

comptime {
    napi.exportModule(.{
        .{ "uv_poll_expect", expect },
        .{ "uv_poll_turns", seen },
    }, .{.{ "uv_poll_watch", &watch }});
}
