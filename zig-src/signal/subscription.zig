//! A record subscribes to a POSIX signal, and ends the subscription when it closes. This file is
//! over both: the registry reaches record.zig through the subscribers, and record.zig does not know
//! the registry.
const std = @import("std");
const records = @import("../record.zig");
const registry = @import("registry.zig");
const timers = @import("../timer.zig");
const debugCheck = @import("../invariant.zig").debugCheck;

pub fn hook(slot: u32, signal: u32, options: u32) callconv(.c) i32 {
    const record = records.get(slot);
    debugCheck(record.signal == 0);
    const status = registry.add(signal, records.token(slot), options);
    if (status < 0) return status;
    record.signal = signal;
    record.hook_options = options;
    return 0;
}

pub fn setOptions(slot: u32, options: u32) callconv(.c) i32 {
    const record = records.get(slot);
    defer record.hook_options = options;
    if (record.signal == 0) return 0;
    return registry.change(record.signal, records.token(slot), record.hook_options, options);
}

/// With hysteresis, after the signal was handled: makes the kernel deliver it again.
pub fn rearm(slot: u32) callconv(.c) i32 {
    const record = records.get(slot);
    return if (record.signal != 0) registry.rearm(record.signal) else 0;
}

/// With once: ends the subscription if the signal was delivered, and returns 1 then. Calling it
/// again has no effect.
pub fn unhookSpent(slot: u32) callconv(.c) u32 {
    const record = records.get(slot);
    if (record.signal == 0 or !registry.isSpent(record.signal, records.token(slot))) return 0;
    unhook(slot);
    return 1;
}

fn unhook(slot: u32) void {
    const record = records.get(slot);
    if (record.signal == 0) return;
    registry.remove(record.signal, records.token(slot), record.hook_options);
    record.signal = 0;
}

/// First half of closing: from here on nobody signals the record, no POSIX signal and no timer.
pub fn retire(slot: u32) callconv(.c) void {
    unhook(slot);
    timers.stop(slot);
    records.retire(slot);
}

/// For an agent that ends with records open. Nobody is left to handle what is pending.
pub fn closeAllOf(agent: u32) void {
    for (1..records.slab.used.load(.acquire) + 1) |index| {
        const slot: u32 = @intCast(index);
        if (records.get(slot).agent.load(.monotonic) != agent) continue;
        // A Worker may be terminated between the two halves of a close.
        if (records.slab.lives(slot)) retire(slot);
        records.release(slot);
    }
}
