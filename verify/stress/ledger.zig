//! The exact account of what was signalled. Every send has an entry of its own, which its value
//! names: so the callback that gets the value says which send that was, and none can be delivered
//! twice, late, or to the wrong Interrupt.
//!
//! Signals coalesce: a value may be replaced before it is taken. At the end of a round, when nobody
//! sends any more:
//!
//!     sent = delivered + replaced + refused + left
//!
//! refused: the Interrupt was closed, as the sender was told. left: what waited in an Interrupt
//! whose agent died, or which was closed by its own callback; at most one each. replaced: all
//! others, and each must have a later one that was delivered: the last value is never lost.
const std = @import("std");
const fail = @import("watchdog.zig").fail;
const system = @import("system.zig");

pub const signallers = 24;
pub const churners = 10;
/// A lane for each thread that sends: the churners signal their own Interrupts, as JavaScript does.
pub const lanes = signallers + churners;
/// Churners open records in places, so that signallers find one that is probably open.
pub const places = 8;

pub const entries_max = 1 << 12;
const accounts_max = 1 << 13;

/// What travels through the library.
const Value = packed struct(u32) {
    index: u12,
    lane: u6,
    round: u12,
    /// So that it is no number of a signal: that is what a real signal sends.
    marker: u2 = 1,
};

const Entry = struct {
    /// Plain, and written before the send: ThreadSanitizer sees whether a signal publishes what was
    /// written before it.
    account: u32,
    accepted: bool,
    delivered: bool,
    begin: u64,
    end: u64,
};

const Log = struct {
    entries: [entries_max]Entry = undefined,
    used: u32 = 0,
};

pub const End = enum(u8) { open, closed, left };

/// One life of an Interrupt.
pub const Account = struct {
    /// 0: not open yet.
    token: std.atomic.Value(u64) = .init(0),
    pipe: std.atomic.Value(u64) = .init(0),
    /// Index of the signal, once it is hooked; -1: none.
    hooked: std.atomic.Value(i32) = .init(-1),
    end: std.atomic.Value(End) = .init(.open),
    /// When its last callback began.
    called: std.atomic.Value(u64) = .init(0),
    /// Set before it hooks one: real signals may call it.
    hooks: bool = false,
    /// Nobody knows its token: it must never be called, and its pipe never be readable.
    secret: bool = false,
    last: ?Value = null,
    /// By lane, one more than the index of the newest entry that was delivered.
    newest: [lanes]u16 = @splat(0),
    left: bool = false,
};

pub const Sums = struct {
    sent: u64 = 0,
    delivered: u64 = 0,
    replaced: u64 = 0,
    refused: u64 = 0,
    left: u64 = 0,
    accounts: u64 = 0,
    real: u64 = 0,
};

var logs: [lanes]Log = @splat(.{});
var accounts: [accounts_max]Account = @splat(.{});
var accounts_used: std.atomic.Value(u32) = .init(0);
var board: [churners * places]std.atomic.Value(u32) = undefined;
var round: u12 = 0;
/// What a lane may send in this round: short rounds rest more often.
var limit: u32 = 0;
/// By lane: what its callbacks were given.
var delivered: [lanes]u64 = @splat(0);
var real: [lanes]u64 = @splat(0);

/// Before the threads are let go.
pub fn begin(number: u32) void {
    round = @truncate(number);
    limit = @as(u32, entries_max) >> @intCast(number % 6);
    for (&logs) |*log| log.used = 0;
    for (accounts[0..accounts_used.swap(0, .monotonic)]) |*account| account.* = .{};
    for (&board) |*cell| cell.store(accounts_max, .monotonic);
    delivered = @splat(0);
    real = @splat(0);
}

/// null: that was enough for one round.
pub fn open(churner: usize, place: usize) ?u32 {
    const index = accounts_used.load(.monotonic);
    if (index >= accounts_max - churners) return null;
    const account = accounts_used.fetchAdd(1, .acq_rel);
    board[churner * places + place].store(account, .release);
    return account;
}

pub fn get(account: u32) *Account {
    return &accounts[account];
}

/// An account that is probably open, or any of this round.
pub fn choose(random: std.Random) ?u32 {
    const account = board[random.uintLessThan(usize, board.len)].load(.acquire);
    if (account == accounts_max) return null;
    return if (random.uintLessThan(u32, 8) == 0) random.uintAtMost(u32, account) else account;
}

pub fn isFull(lane: usize) bool {
    return logs[lane].used == limit;
}

pub const Send = struct {
    entry: *Entry,
    value: i32,

    pub fn end(sent: Send, accepted: bool) void {
        sent.entry.accepted = accepted;
        sent.entry.end = system.now();
    }

    pub fn begun(sent: Send) u64 {
        return sent.entry.begin;
    }
};

/// The entry of a send that the caller is about to make.
pub fn send(lane: usize, account: u32) Send {
    const log = &logs[lane];
    const value: Value = .{ .index = @intCast(log.used), .lane = @intCast(lane), .round = round };
    const entry = &log.entries[log.used];
    log.used += 1;
    entry.* = .{
        .account = account,
        .accepted = false,
        .delivered = false,
        .begin = system.now(),
        .end = 0,
    };
    return .{ .entry = entry, .value = @bitCast(value) };
}

/// A callback begins, on the thread that owns the account.
pub fn deliver(lane: usize, number: u32, got: i32) void {
    const account = get(number);
    account.called.store(system.now(), .release);
    if (account.end.load(.monotonic) != .open) {
        fail("account {d}: a callback after its close", .{number});
    }
    if (account.secret) fail("account {d}: a callback, though nobody knows it", .{number});
    if (system.isSignal(got)) {
        if (!account.hooks) fail("account {d}: a real signal, though it hooks none", .{number});
        account.last = null;
        real[lane] += 1;
        return;
    }
    const value: Value = @bitCast(got);
    if (value.marker != 1 or value.lane >= lanes) {
        fail("account {d}: a callback with {d}, which nobody sent", .{ number, got });
    }
    if (value.round != round) fail("account {d}: a value of an earlier round", .{number});
    const entry = &logs[value.lane].entries[value.index];
    if (entry.account != number) {
        fail("account {d}: a value that was sent to account {d}", .{ number, entry.account });
    }
    if (entry.delivered) fail("account {d}: a value twice", .{number});
    if (value.index < account.newest[value.lane]) {
        fail("account {d}: an older value after a newer one of the same sender", .{number});
    }
    entry.delivered = true;
    account.newest[value.lane] = @as(u16, value.index) + 1;
    account.last = value;
    delivered[lane] += 1;
}

/// When no thread sends or receives any more.
pub fn settle(sums: *Sums) void {
    const before = sums.*;
    sums.accounts += accounts_used.load(.monotonic);
    for (delivered, real) |values, signals| {
        sums.delivered += values;
        sums.real += signals;
    }
    for (&logs, 0..) |*log, lane| {
        sums.sent += log.used;
        for (log.entries[0..log.used], 0..) |*entry, index| {
            const account = get(entry.account);
            if (!entry.accepted) {
                if (entry.delivered) {
                    fail("account {d}: a callback with a value that was refused", .{entry.account});
                }
                sums.refused += 1;
            } else if (!entry.delivered) {
                if (wasReplaced(account, entry, lane, index)) {
                    sums.replaced += 1;
                } else switch (account.end.load(.monotonic)) {
                    .open => fail("account {d} was not closed", .{entry.account}),
                    .closed => fail("account {d}: the last value was lost", .{entry.account}),
                    .left => if (account.left) {
                        // The one that is left came after this one, or the other way round.
                        sums.replaced += 1;
                    } else {
                        account.left = true;
                        sums.left += 1;
                    },
                }
            }
        }
    }
    const sent = sums.sent - before.sent;
    const accounted = sums.delivered + sums.replaced + sums.refused + sums.left -
        (before.delivered + before.replaced + before.refused + before.left);
    if (sent != accounted) fail("{d} sent, but {d} accounted for", .{ sent, accounted });
}

/// Whether what was delivered last may have come after it: it did not end before this one began.
fn wasReplaced(account: *Account, entry: *Entry, lane: usize, index: usize) bool {
    // A real signal has no entry: it was sent at some time before its callback.
    const last = account.last orelse return entry.begin <= account.called.load(.monotonic);
    if (last.lane == lane and last.index < index) return false;
    return entry.begin <= logs[last.lane].entries[last.index].end;
}
