//! A lock for set-up and tear-down, which happen on JavaScript threads only. Signal handlers and
//! signalling threads never take it: they read what its holder has published by atomics. The
//! library's own threads take theirs between two signals, and never while they signal.
const std = @import("std");
const debugCheck = @import("invariant.zig").debugCheck;
const platform = @import("platform.zig");

pub const Lock = struct {
    held: std.atomic.Value(bool) = .init(false),

    pub fn acquire(lock: *Lock) void {
        while (lock.held.swap(true, .acquire)) platform.yield();
    }

    pub fn release(lock: *Lock) void {
        debugCheck(lock.held.load(.monotonic));
        lock.held.store(false, .release);
    }

    /// For tests: waits until a flag that the lock protects is false.
    pub fn awaitFalse(lock: *Lock, flag: *const bool) void {
        while (true) {
            lock.acquire();
            const value = flag.*;
            lock.release();
            if (!value) return;
            platform.yield();
        }
    }
};
