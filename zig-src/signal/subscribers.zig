//! The subscribers of one signal: cells that hold the tokens of the records to which it goes.
//!
//! A handler reads the cells without a lock, at any time. So a cell never moves and is never
//! unmapped, and a subscriber comes and goes by one atomic store. A handler may have read a token
//! just before its subscriber left: the record itself refuses it then, by its generation.
const std = @import("std");
const debugCheck = @import("../invariant.zig").debugCheck;
const platform = @import("../platform.zig");
const records = @import("../record.zig");

/// A subscriber's word: the token of its record, and the bits below. 0 for a free cell.
const Cell = std.atomic.Value(u64);

/// This subscriber wants the earlier handler called as well. No token has this bit. It is in the
/// token's word so that a handler reads both at one moment: otherwise the subscriber could change
/// its wish in between.
pub const chains: u64 = 1 << 63;
/// This subscriber wants one signal.
const once: u64 = 1 << 62;
/// It has had it.
pub const spent: u64 = 1 << 61;
const bits = chains | once | spent;

const More = struct {
    cells: [511]Cell,
    next: std.atomic.Value(?*More),
};

pub const Subscribers = struct {
    /// Most signals have one subscriber, and need no mapping.
    first: [6]Cell = @splat(.init(0)),
    more: std.atomic.Value(?*More) = .init(null),

    /// Signals the record of each subscriber, with the signal as value. Returns the words of those
    /// that took it, or-ed: 0 if none did; `spent` is set if there were some that are spent.
    /// Async-signal-safe.
    pub fn deliver(subscribers: *Subscribers, signal: u32) u64 {
        var delivered = deliverTo(&subscribers.first, signal);
        var more = subscribers.more.load(.acquire);
        while (more) |it| : (more = it.next.load(.acquire)) {
            delivered |= deliverTo(&it.cells, signal);
        }
        return delivered;
    }

    /// Whether all of them are spent. Async-signal-safe.
    pub fn areSpent(subscribers: *Subscribers) bool {
        var are = areSpentIn(&subscribers.first);
        var more = subscribers.more.load(.acquire);
        while (more) |it| : (more = it.next.load(.acquire)) are = are and areSpentIn(&it.cells);
        return are;
    }

    /// The cell of this token. The caller holds the registry's lock.
    pub fn find(subscribers: *Subscribers, token: u64) ?*Cell {
        if (findIn(&subscribers.first, token)) |cell| return cell;
        var more = subscribers.more.load(.acquire);
        while (more) |it| : (more = it.next.load(.acquire)) {
            if (findIn(&it.cells, token)) |cell| return cell;
        }
        return null;
    }

    /// A free cell. The caller holds the registry's lock. null: the kernel has no memory.
    pub fn findFree(subscribers: *Subscribers) ?*Cell {
        if (subscribers.find(0)) |cell| return cell;
        const memory = platform.map(@sizeOf(More)) orelse return null;
        const new: *More = @ptrCast(@alignCast(memory));
        // It is complete before the release store puts it in front: a handler that walks the list
        // meanwhile sees the old list or the new one.
        new.next.store(subscribers.more.load(.monotonic), .monotonic);
        subscribers.more.store(new, .release);
        return &new.cells[0];
    }
};

/// The word for a cell.
pub fn wordOf(token: u64, wants_chain: bool, wants_once: bool) u64 {
    debugCheck(token & bits == 0);
    return token | (if (wants_chain) chains else 0) | (if (wants_once) once else 0);
}

/// Changes the wish of a subscriber in its cell. A handler may set `spent` at the same time.
pub fn change(cell: *Cell, wants_chain: bool) void {
    _ = if (wants_chain) cell.fetchOr(chains, .seq_cst) else cell.fetchAnd(~chains, .seq_cst);
}

fn deliverTo(cells: []Cell, signal: u32) u64 {
    var delivered: u64 = 0;
    for (cells) |*cell| {
        const word = take(cell);
        delivered |= word & spent;
        if (word == 0 or word & spent != 0) continue;
        if (records.send(@bitCast(word & ~bits), @intCast(signal)) == .sent) delivered |= word;
    }
    return delivered;
}

/// The word of a cell. Of several handlers that take a subscriber which wants one signal, one gets
/// its word, and the others get it with `spent` set.
fn take(cell: *Cell) u64 {
    var word = cell.load(.seq_cst);
    while (word & once != 0 and word & spent == 0) {
        word = cell.cmpxchgWeak(word, word | spent, .seq_cst, .seq_cst) orelse return word;
    }
    return word;
}

fn areSpentIn(cells: []Cell) bool {
    for (cells) |*cell| {
        const word = cell.load(.seq_cst);
        if (word != 0 and word & spent == 0) return false;
    }
    return true;
}

fn findIn(cells: []Cell, token: u64) ?*Cell {
    for (cells) |*cell| if (cell.load(.monotonic) & ~bits == token) return cell;
    return null;
}

test "subscribers find their cells again, also beyond the first few, and a free cell serves again" {
    var subscribers: Subscribers = .{};
    const all = 6 + 2 * 511;
    for (1..all + 1) |token| {
        const cell = subscribers.findFree().?;
        cell.store(wordOf(token, token % 2 == 0, false), .seq_cst);
    }
    for (1..all + 1) |token| {
        const wants: u64 = if (token % 2 == 0) chains else 0;
        try std.testing.expectEqual(token | wants, subscribers.find(token).?.load(.seq_cst));
    }
    const cell = subscribers.find(700).?;
    cell.store(0, .seq_cst);
    try std.testing.expectEqual(null, subscribers.find(700));
    try std.testing.expectEqual(cell, subscribers.findFree().?);
}
