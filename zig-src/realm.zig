//! A realm begins and ends: its agent opens, and closes with all that it has open. agent.zig is
//! what signallers reach; it imports nothing of what closes here.
const std = @import("std");
const agents = @import("agent.zig");
const event_pipe = @import("event_pipe.zig");
const hooks = @import("signal/registry.zig");
const platform = @import("platform.zig");
const records = @import("record.zig");
const slabs = @import("slab.zig");
const sqlite = @import("sqlite.zig");
const Status = @import("status.zig").Status;
const subscriptions = @import("signal/subscription.zig");
const Lock = @import("lock.zig").Lock;
const uv_signal = @import("uv_signal.zig");

/// For platform.onThreadExit().
var lock: Lock = .{};

pub fn open() i32 {
    lock.acquire();
    defer lock.release();
    const status = platform.onThreadExit(closeAllOfThread);
    if (status < 0) return status;
    return @intCast(agents.open() orelse return Status.full.code());
}

/// Returns the token, which names no later agent in the same slot; or a status.
pub fn openToken() callconv(.c) u64 {
    const id = open();
    return if (id < 0) @bitCast(@as(i64, id)) else @bitCast(agents.slab.token(@intCast(id)));
}

/// Closes the agent and all that it has open: its signals go to other subscribers, or to the old
/// disposition.
pub fn close(id: u32) void {
    _ = closeToken(@bitCast(agents.slab.token(id)));
}

/// The same, if the agent is still open: the end of its thread closes it, and so does the end of
/// its realm's memory. If its wake is a function, returns the function's argument: the function's
/// owner must then call releaseWakeFunction().
pub fn closeToken(token: u64) ?*anyopaque {
    const wanted: slabs.Token = @bitCast(token);
    if (!agents.retire(wanted)) return null;
    const id = wanted.slot;
    sqlite.closeAllOf(id);
    subscriptions.closeAllOf(id);
    event_pipe.closeAllOf(id);
    uv_signal.closeAllOf(id);
    hooks.unlistenedAll(id, agents.get(id).listens);
    return agents.release(id);
}

/// `void (*)(void *bytes, void *context)`: engines call it when a view of memory is collected, here
/// with the agent's words and its token. The realm is gone then, and nothing reads the words again.
/// A caller that knows that a realm has ended may call it too.
pub fn closeCollected(_: u64, token: u64) callconv(.c) void {
    _ = closeToken(token);
}

fn closeAllOfThread(_: ?*anyopaque) callconv(.c) void {
    const thread = platform.threadId();
    for (1..agents.slab.used.load(.acquire) + 1) |index| {
        const id: u32 = @intCast(index);
        const is_its = agents.get(id).thread.load(.monotonic) == thread;
        if (agents.slab.lives(id) and is_its) close(id);
    }
}

test "an agent's token closes it once, and none that comes after it" {
    const first = openToken();
    const slot: u32 = @truncate(first);
    _ = closeToken(first);
    const second = openToken();
    defer _ = closeToken(second);
    try std.testing.expectEqual(slot, @as(u32, @truncate(second)));
    for ([_]u64{ first, 0, second + 1, second + (2 << 32), std.math.maxInt(u64) }) |stale| {
        closeCollected(0, stale);
    }
    try std.testing.expect(agents.slab.lives(slot));
}

test "an agent whose wake function may still be called keeps its place" {
    const token = openToken();
    const slot: u32 = @truncate(token);
    const Function = struct {
        fn call(_: *anyopaque) callconv(.c) c_int {
            return 0;
        }
    };
    var argument: u32 = 0;
    agents.setWakeFunction(slot, Function.call, &argument);
    try std.testing.expectEqual(@as(?*anyopaque, &argument), closeToken(token));
    try std.testing.expectEqual(null, closeToken(token));
    const next: u32 = @intCast(open());
    defer close(next);
    try std.testing.expect(next != slot);
    agents.releaseWakeFunction(slot);
    const again: u32 = @intCast(open());
    defer close(again);
    try std.testing.expectEqual(slot, again);
}

test "an agent that ends in the middle of a close leaves a slot that can be used again" {
    const agent: u32 = @intCast(open());
    const slot = records.open(agent, 0).?;
    subscriptions.retire(slot);
    close(agent);
    const next: u32 = @intCast(open());
    defer close(next);
    const again = records.open(next, 0).?;
    try std.testing.expectEqual(slot, again);
    try std.testing.expectEqual(1, records.signalChecked(records.token(again), 1));
}
