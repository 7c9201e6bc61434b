//! The subscribers of one signal: cells that hold the tokens of the records to which it goes.
//!
//! A handler reads the cells without a lock, at any time. So a cell never moves and is never
//! unmapped, and a subscriber comes and goes by one atomic store. A handler may have read a token
//! just before its subscriber left: the record itself refuses it then, by its generation.
const std = @import("std");
const debugCheck = @import("../invariant.zig").debugCheck;
const platform = @import("../platform.zig");
const records = @import("../record.zig");

/// A subscriber's word: the token of its record, with `chains` set or not. 0 for a free cell.
const Cell = std.atomic.Value(u64);

/// This subscriber wants the earlier handler called as well. No token has this bit. It is in the
/// token's word so that a handler reads both at one moment: otherwise the subscriber could change
/// its wish in between.
pub const chains: u64 = 1 << 63;

const More = struct {
    cells: [511]Cell,
    next: std.atomic.Value(?*More),
};

pub const Subscribers = struct {
    /// Most signals have one subscriber, and need no mapping.
    first: [6]Cell = @splat(.init(0)),
    more: std.atomic.Value(?*More) = .init(null),

    /// Signals the record of each subscriber, and returns the words of those that took it, or-ed: 0
    /// if none did. Async-signal-safe.
    pub fn deliver(subscribers: *Subscribers) u64 {
        var delivered = deliverTo(&subscribers.first);
        var more = subscribers.more.load(.acquire);
        while (more) |it| : (more = it.next.load(.acquire)) delivered |= deliverTo(&it.cells);
        return delivered;
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
pub fn wordOf(token: u64, wants_chain: bool) u64 {
    debugCheck(token & chains == 0);
    return if (wants_chain) token | chains else token;
}

fn deliverTo(cells: []Cell) u64 {
    var delivered: u64 = 0;
    for (cells) |*cell| {
        const word = cell.load(.seq_cst);
        if (word == 0) continue;
        if (records.send(@bitCast(word & ~chains), 1) == .sent) delivered |= word;
    }
    return delivered;
}

fn findIn(cells: []Cell, token: u64) ?*Cell {
    for (cells) |*cell| if (cell.load(.monotonic) & ~chains == token) return cell;
    return null;
}

test "subscribers find their cells again, also beyond the first few, and a free cell serves again" {
    var subscribers: Subscribers = .{};
    const all = 6 + 2 * 511;
    for (1..all + 1) |token| {
        const cell = subscribers.findFree().?;
        cell.store(wordOf(token, token % 2 == 0), .seq_cst);
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
