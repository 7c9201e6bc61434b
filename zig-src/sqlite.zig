//! SQLite: this library is also a loadable extension of it, so that a connection asks whether its
//! query shall stop.
//!
//! A *tie* is what one connection asks. JavaScript opens it, and then has the connection load this
//! library: `sqlite3_extension_init` finds the tie that waits on this thread. It keeps nothing of
//! the functions that it is given, since a process may have several copies of SQLite, each with its
//! own. What the connection keeps is the tie's token: good until the connection or the agent
//! closes, whichever is first, and harmless after that.
//!
//! SQLite calls its progress handler between two steps of its virtual machine. Where it was built
//! without one (better-sqlite3), a thread calls `sqlite3_interrupt` as long as the query shall
//! stop: once is not enough, since SQLite forgets it when no statement runs.
const std = @import("std");
const agents = @import("agent.zig");
const platform = @import("platform.zig");
const records = @import("record.zig");
const slabs = @import("slab.zig");
const Lock = @import("lock.zig").Lock;
const Status = @import("status.zig").Status;

/// How many steps of its virtual machine SQLite makes before it asks again.
const steps = 1000;

/// How often the thread interrupts a query that shall stop.
const again_ns = std.time.ns_per_ms;

/// What JavaScript sets as the Interrupt of a tie: nothing stops a query; only interruptible()
/// does. No token is so small.
const nothing = 0;

const State = enum(u32) { waiting, asked, watched, unsupported };

const Tie = extern struct {
    head: slabs.Head,
    agent: std.atomic.Value(u32),
    /// The token of an Interrupt, or less: see `nothing`.
    interrupt: std.atomic.Value(u64),
    state: State,
    /// Of the ties that the thread watches: the slot of the next one. Under the lock.
    next: u32,
    connection: ?*Connection,
    stop: ?*const fn (*Connection) callconv(.c) void,
    padding: [2]u64,
};

comptime {
    std.debug.assert(@sizeOf(Tie) == slabs.slot_size);
}

const Connection = opaque {};
const Asker = fn (token: u64) callconv(.c) i32;

/// The functions of `struct sqlite3_api_routines` that are used here, by their place in it. SQLite
/// leaves out none and moves none: what a build or an old version does not have is null, or comes
/// after the end.
const Api = extern struct {
    before_interrupt: [64]usize,
    interrupt: ?*const fn (*Connection) callconv(.c) void,
    before_progress_handler: [75 - 65]usize,
    progress_handler: ?*const fn (*Connection, i32, ?*const Asker, u64) callconv(.c) void,
    before_create_function: [162 - 76]usize,
    create_function: ?*const fn (
        *Connection,
        name: [*:0]const u8,
        parameters: i32,
        flags: i32,
        argument: u64,
        call: ?*const fn (*anyopaque, i32, *anyopaque) callconv(.c) void,
        step: ?*anyopaque,
        final: ?*anyopaque,
        destroy: ?*const fn (token: u64) callconv(.c) void,
    ) callconv(.c) i32,
};

const utf8 = 1;
const direct_only = 0x80000;
const failed = 1;
/// Without this, SQLite would close the library again with the connection.
const ok_permanently = 256;

var slab: slabs.Slab = .{};
/// For the ties that are watched.
var lock: Lock = .{};
var first_watched: u32 = 0;
var thread_lives = false;

fn of(head: *slabs.Head) *Tie {
    return @alignCast(@fieldParentPtr("head", head));
}

fn get(slot: u32) *Tie {
    return of(slab.get(slot));
}

/// null: it is closed.
fn find(token: u64) ?*Tie {
    const wanted: slabs.Token = @bitCast(token);
    const head = slab.find(wanted.slot) orelse return null;
    return if (wanted.names(@bitCast(head.tag.load(.acquire)))) of(head) else null;
}

/// A tie that waits for the connection that loads this library next on this thread.
pub fn open(agent: u32) callconv(.c) u64 {
    const slot = slab.open() orelse return Status.full.asToken();
    const tie = get(slot);
    tie.interrupt.store(nothing, .monotonic);
    tie.state = .waiting;
    tie.agent.store(agent, .monotonic);
    slab.publish(slot);
    return @bitCast(slab.token(slot));
}

/// Returns 1 if the connection asks, 0 if it has not loaded this library, and a status if it cannot
/// ask.
pub fn loaded(token: u64) callconv(.c) i32 {
    const tie = find(token) orelse return 0;
    return switch (tie.state) {
        .waiting => 0,
        .asked, .watched => 1,
        .unsupported => Status.unsupported.code(),
    };
}

/// Sets which Interrupt stops the connection's queries. Returns 0 if the tie is closed.
pub fn ask(token: u64, interrupt: u64) callconv(.c) i32 {
    const tie = find(token) orelse return 0;
    tie.interrupt.store(interrupt, .release);
    if (tie.state == .watched) {
        records.setWatched(interrupt);
        records.wakeWatcher();
    }
    return 1;
}

/// Does nothing if it is closed. SQLite calls it when it closes the connection.
pub fn close(token: u64) callconv(.c) void {
    const tie = find(token) orelse return;
    const wanted: slabs.Token = @bitCast(token);
    if (tie.state == .watched) unwatch(wanted.slot);
    tie.agent.store(agents.nobody, .monotonic);
    slab.retire(wanted.slot);
    slab.release(wanted.slot);
}

/// For an agent that ends with ties open. Its connections may live on, and ask no more.
pub fn closeAllOf(agent: u32) void {
    for (1..slab.used.load(.acquire) + 1) |index| {
        const slot: u32 = @intCast(index);
        if (get(slot).agent.load(.monotonic) == agent) close(@bitCast(slab.token(slot)));
    }
}

/// `int (*)(void *arg)`, SQLite's progress handler: not 0 if the query shall stop.
fn asks(token: u64) callconv(.c) i32 {
    const tie = find(token) orelse return 0;
    const interrupt = tie.interrupt.load(.acquire);
    if (interrupt == nothing) return 0;
    const stops = records.stops(interrupt) or
        records.anyStops(agents.get(tie.agent.load(.monotonic)));
    return @intFromBool(stops);
}

/// What SQLite calls when a connection loads this library.
pub fn init(
    connection: *Connection,
    _: ?*anyopaque,
    api: *const Api,
) callconv(.c) i32 {
    const slot = waiting() orelse return failed;
    const tie = get(slot);
    tie.state = .unsupported;
    const token: u64 = @bitCast(slab.token(slot));
    const create_function = api.create_function orelse return failed;
    // Its only purpose is that SQLite calls close() when the connection closes.
    const made = create_function(
        connection,
        "async_interrupt",
        0,
        utf8 | direct_only,
        token,
        answersNull,
        null,
        null,
        close,
    );
    // SQLite has called close() then.
    if (made != 0) return made;
    if (api.progress_handler) |progress_handler| {
        progress_handler(connection, steps, asks, token);
        tie.state = .asked;
        return ok_permanently;
    }
    tie.connection = connection;
    tie.stop = api.interrupt orelse return failed;
    return if (watch(slot) < 0) failed else ok_permanently;
}

fn answersNull(_: *anyopaque, _: i32, _: *anyopaque) callconv(.c) void {}

/// The tie that waits on this thread.
fn waiting() ?u32 {
    const thread = platform.threadId();
    for (1..slab.used.load(.acquire) + 1) |index| {
        const tie = get(@intCast(index));
        const agent = tie.agent.load(.monotonic);
        // The rest of a tie of another thread may change meanwhile.
        const is_its = agent != agents.nobody and
            agents.get(agent).thread.load(.monotonic) == thread;
        if (is_its and tie.state == .waiting) return @intCast(index);
    }
    return null;
}

fn watch(slot: u32) i32 {
    lock.acquire();
    defer lock.release();
    if (!thread_lives) {
        // It waits for the lock first.
        const started = platform.startThread(&run);
        if (started < 0) return started;
        thread_lives = true;
        _ = records.watcher.fetchOr(1, .seq_cst);
    }
    const tie = get(slot);
    tie.next = first_watched;
    first_watched = slot;
    tie.state = .watched;
    return 0;
}

fn unwatch(slot: u32) void {
    lock.acquire();
    defer lock.release();
    var link = &first_watched;
    while (link.* != slot) link = &get(link.*).next;
    link.* = get(slot).next;
    records.wakeWatcher();
}

fn run(_: ?*anyopaque) callconv(.c) ?*anyopaque {
    platform.beTimer("sqlite-watcher");
    while (true) {
        const seen = records.watcher.load(.seq_cst);
        var again = false;
        lock.acquire();
        if (first_watched == 0) {
            thread_lives = false;
            lock.release();
            return null;
        }
        // No connection closes while this thread has the lock.
        var slot = first_watched;
        while (slot != 0) : (slot = get(slot).next) {
            const tie = get(slot);
            if (asks(@bitCast(slab.token(slot))) == 0) continue;
            tie.stop.?(tie.connection.?);
            again = true;
        }
        lock.release();
        const forever = std.math.maxInt(i64);
        const until = if (again) platform.clock() + again_ns else forever;
        platform.awaitChange(&records.watcher, seen, until);
    }
}

/// A copy of SQLite with one connection, that does what `init` asks of it.
const Fake = struct {
    var asker: ?*const Asker = null;
    var argument: u64 = 0;
    var destroy: ?*const fn (u64) callconv(.c) void = null;
    var interrupts: std.atomic.Value(u32) = .init(0);

    fn interrupt(_: *Connection) callconv(.c) void {
        _ = interrupts.fetchAdd(1, .seq_cst);
    }

    fn progressHandler(
        _: *Connection,
        _: i32,
        handler: ?*const Asker,
        token: u64,
    ) callconv(.c) void {
        asker = handler;
        argument = token;
    }

    fn createFunction(
        _: *Connection,
        _: [*:0]const u8,
        _: i32,
        _: i32,
        token: u64,
        _: ?*const fn (*anyopaque, i32, *anyopaque) callconv(.c) void,
        _: ?*anyopaque,
        _: ?*anyopaque,
        on_close: ?*const fn (u64) callconv(.c) void,
    ) callconv(.c) i32 {
        argument = token;
        destroy = on_close;
        return 0;
    }

    fn api() Api {
        var all = std.mem.zeroes(Api);
        all.interrupt = interrupt;
        all.progress_handler = progressHandler;
        all.create_function = createFunction;
        return all;
    }

    fn load(all: *const Api) i32 {
        return init(@ptrFromInt(64), null, all);
    }

    fn asksToStop() bool {
        return asker.?(argument) != 0;
    }
};

fn closeRecord(token: u64) void {
    const slot: u32 = @truncate(token);
    records.retire(slot);
    records.release(slot);
}

test "the functions of SQLite stand where its headers put them" {
    try std.testing.expectEqual(64 * @sizeOf(usize), @offsetOf(Api, "interrupt"));
    try std.testing.expectEqual(75 * @sizeOf(usize), @offsetOf(Api, "progress_handler"));
    try std.testing.expectEqual(162 * @sizeOf(usize), @offsetOf(Api, "create_function"));
}

test "a connection asks its tie for one Interrupt, while that is pending and not blocked" {
    const agent = agents.open().?;
    defer agents.close(agent);
    const interrupt = records.openToken(agent, 0);
    const tie = open(agent);
    try std.testing.expectEqual(0, loaded(tie));
    try std.testing.expectEqual(ok_permanently, Fake.load(&Fake.api()));
    try std.testing.expectEqual(1, loaded(tie));
    records.signal(interrupt, 1);
    try std.testing.expect(!Fake.asksToStop());
    try std.testing.expectEqual(1, ask(tie, interrupt));
    try std.testing.expect(Fake.asksToStop());
    records.block(interrupt);
    try std.testing.expect(!Fake.asksToStop());
    records.unblock(interrupt);
    try std.testing.expect(Fake.asksToStop());
    _ = ask(tie, nothing);
    try std.testing.expect(!Fake.asksToStop());
    _ = ask(tie, interrupt);
    closeRecord(interrupt);
    const other = records.openToken(agent, 0);
    defer closeRecord(other);
    records.signal(other, 1);
    try std.testing.expect(!Fake.asksToStop());
    // The connection closes.
    Fake.destroy.?(Fake.argument);
    try std.testing.expectEqual(0, loaded(tie));
    try std.testing.expectEqual(0, ask(tie, other));
    try std.testing.expect(!Fake.asksToStop());
}

test "records with flag_stops stop the connections of their agent, and others do not" {
    const agent = agents.open().?;
    defer agents.close(agent);
    const quiet = records.openToken(agent, 0);
    defer closeRecord(quiet);
    const stopper = records.openToken(agent, 0);
    defer closeRecord(stopper);
    const tie = open(agent);
    defer close(tie);
    try std.testing.expectEqual(ok_permanently, Fake.load(&Fake.api()));
    _ = ask(tie, 1);
    records.signal(stopper, 1);
    records.signal(quiet, 1);
    try std.testing.expect(!Fake.asksToStop());
    records.setFlag(@truncate(stopper), records.flag_stops, 1);
    try std.testing.expect(Fake.asksToStop());
    try std.testing.expectEqual(1, records.hasStopped(@truncate(stopper)));
    try std.testing.expectEqual(0, records.hasStopped(@truncate(quiet)));
    _ = ask(tie, nothing);
    try std.testing.expect(!Fake.asksToStop());
}

test "the end of an agent ends its ties" {
    const agent = agents.open().?;
    const tie = open(agent);
    try std.testing.expectEqual(ok_permanently, Fake.load(&Fake.api()));
    _ = ask(tie, 1);
    closeAllOf(agent);
    agents.close(agent);
    try std.testing.expect(!Fake.asksToStop());
    Fake.destroy.?(Fake.argument);
    close(tie);
}

test "without a tie that waits, or without what it needs of SQLite, nothing is loaded" {
    const agent = agents.open().?;
    defer agents.close(agent);
    try std.testing.expectEqual(failed, Fake.load(&Fake.api()));
    var old = Fake.api();
    old.create_function = null;
    const first = open(agent);
    try std.testing.expectEqual(failed, Fake.load(&old));
    try std.testing.expectEqual(Status.unsupported.code(), loaded(first));
    close(first);
    var none = Fake.api();
    none.progress_handler = null;
    none.interrupt = null;
    const second = open(agent);
    try std.testing.expectEqual(failed, Fake.load(&none));
    try std.testing.expectEqual(Status.unsupported.code(), loaded(second));
    close(second);
}

test "without a progress handler a thread interrupts the connection until the value is handled" {
    const agent = agents.open().?;
    defer agents.close(agent);
    const interrupt = records.openToken(agent, 0);
    defer closeRecord(interrupt);
    var all = Fake.api();
    all.progress_handler = null;
    const tie = open(agent);
    Fake.interrupts.store(0, .seq_cst);
    try std.testing.expectEqual(ok_permanently, Fake.load(&all));
    _ = ask(tie, interrupt);
    records.signal(interrupt, 1);
    // More than once: SQLite may have forgotten the first.
    while (Fake.interrupts.load(.seq_cst) < 3) std.Thread.yield() catch {};
    records.get(@truncate(interrupt)).pending().store(0, .seq_cst);
    Fake.destroy.?(Fake.argument);
    lock.awaitFalse(&thread_lives);
}
