//! JavaScript threads: each life opens an agent, and opens, closes, blocks, unblocks, hooks and
//! handles Interrupts until it ends, in good order or with all of it open.
const std = @import("std");
const library = @import("async_interrupt");
const consumer = @import("consumer.zig");
const ledger = @import("ledger.zig");
const signaller = @import("signaller.zig");
const system = @import("system.zig");
const watchdog = @import("watchdog.zig");

pub const Lives = struct {
    count: std.atomic.Value(u64) = .init(0),
    died: std.atomic.Value(u64) = .init(0),
};

pub var lives: Lives = .{};
/// No signaller sends any more: handle what waits, and end.
pub var resting: std.atomic.Value(bool) = .init(false);
/// Highest slot of any record so far.
pub var slots: std.atomic.Value(u32) = .init(0);

/// One life after the other, each on a thread of its own.
pub fn run(churner: usize, seed: u64) void {
    var life: u64 = 0;
    while (!resting.load(.acquire)) : (life += 1) {
        const arguments = .{ churner, std.hash.int(seed +% life) };
        const thread = std.Thread.spawn(.{}, live, arguments) catch |err|
            watchdog.fail("no thread: {t}", .{err});
        thread.join();
    }
    watchdog.note(ledger.signallers + churner, .parked);
}

fn live(churner: usize, seed: u64) void {
    var life: Life = undefined;
    life.run(churner, seed);
}

/// An Interrupt of JavaScript.
const Interrupt = struct {
    record: consumer.InterruptRecord,
    account: u32,
    place: usize,
    life: *Life,
};

const Life = struct {
    churner: usize,
    lane: usize,
    prng: std.Random.DefaultPrng,
    /// All of one life: JavaScript's collector frees later too.
    arena: std.heap.ArenaAllocator,
    agent: consumer.Agent,
    shared_pipe: u32,
    /// How many it keeps open: what one misses, another may make known.
    width: usize,
    open: [ledger.places]?*Interrupt = @splat(null),
    /// Callbacks do nothing but count.
    calm: bool = false,

    fn run(life: *Life, churner: usize, seed: u64) void {
        life.* = .{
            .churner = churner,
            .lane = ledger.signallers + churner,
            .prng = .init(seed),
            .arena = .init(std.heap.c_allocator),
            .agent = undefined,
            .shared_pipe = undefined,
            .width = undefined,
        };
        defer life.arena.deinit();
        const random = life.prng.random();
        life.width = 1 + random.uintLessThan(usize, ledger.places);
        life.agent = .open(random.enumValue(consumer.Runtime), life.arena.allocator(), random);
        life.shared_pipe = consumer.checked(library.event_pipe.open(life.agent.id), "pipe_open");
        signaller.open(life.lane);
        _ = lives.count.fetchAdd(1, .monotonic);

        const length = random.uintLessThan(u32, 1000);
        for (0..length) |_| {
            if (resting.load(.acquire)) break;
            life.step();
        }
        if (resting.load(.acquire)) life.rest();
        life.end(random.boolean());
    }

    fn step(life: *Life) void {
        const random = life.prng.random();
        const place = random.uintLessThan(usize, life.width);
        const interrupt = life.open[place] orelse return life.openIn(place);
        const record = &interrupt.record;
        switch (random.uintLessThan(u32, 64)) {
            0...1 => life.close(interrupt),
            2...5 => life.block(record),
            6...17 => life.unblock(interrupt),
            18...19 => life.signal(interrupt) catch {},
            20...21 => {
                life.note(.@"changes options");
                record.setPipeEnabled(random.boolean());
            },
            22...23 => record.setPipeAutodrain(random.boolean()),
            24...25 => if (record.owns_pipe) {
                life.note(.@"changes options");
                record.postFork();
            },
            26...27 => if (ledger.get(interrupt.account).hooks) {
                life.note(.@"changes options");
                record.setHysteresis(random.uintLessThan(u32, 4) != 0);
            },
            28...29 => if (record.awaited) record.stopWaiting() else record.wait(),
            30...46 => {
                life.note(.@"runs a checkpoint");
                life.agent.checkpoint() catch {};
            },
            47 => record.deliver() catch {},
            48...49 => life.awaitPipe(interrupt),
            else => {
                life.note(.@"runs its loop");
                life.agent.loop(random.uintLessThan(u32, 8) * 20 * std.time.ns_per_us);
            },
        }
    }

    fn note(life: *Life, phase: watchdog.Phase) void {
        watchdog.note(life.lane, phase);
    }

    fn openIn(life: *Life, place: usize) void {
        life.note(.opens);
        const random = life.prng.random();
        const account = ledger.open(life.churner, place) orelse return life.agent.loop(0);
        const interrupt = life.arena.allocator().create(Interrupt) catch @panic("no memory");
        interrupt.* = .{ .record = undefined, .account = account, .place = place, .life = life };
        const record = &interrupt.record;
        record.open(&life.agent, random.boolean(), callback);
        _ = slots.fetchMax(record.slot, .monotonic);
        life.open[place] = interrupt;
        const entry = ledger.get(account);
        entry.secret = random.uintLessThan(u32, 16) == 0;
        if (entry.secret) {
            record.usePipe(
                consumer.checked(library.event_pipe.open(life.agent.id), "pipe_open"),
                true,
            );
            return;
        }
        switch (random.uintLessThan(u32, 4)) {
            0 => {
                const pipe = consumer.checked(library.event_pipe.open(life.agent.id), "pipe_open");
                record.usePipe(pipe, true);
                entry.pipe.store(library.event_pipe.token(pipe), .monotonic);
            },
            1 => record.usePipe(life.shared_pipe, false),
            else => {},
        }
        if (random.uintLessThan(u32, 3) == 0) {
            // The first are hooked by many at once, the last by one or none.
            const index = @min(
                random.uintLessThan(usize, system.signals.len),
                random.uintLessThan(usize, system.signals.len),
            );
            entry.hooks = true;
            // It only works when all want it: for most signals nearly all do.
            const hysteresis = random.uintLessThan(u32, 16) >= @as(
                u32,
                if (index % 4 == 3) 12 else 1,
            );
            record.hook(@backingInt(system.signals[index]), random.boolean(), hysteresis);
            entry.hooked.store(@intCast(index), .release);
        }
        // Relaxed: JavaScript hands it over with more, but the library must not need it.
        entry.token.store(record.token, .monotonic);
    }

    fn close(life: *Life, interrupt: *Interrupt) void {
        if (interrupt.record.retired) return;
        life.note(.closes);
        // Closed by its own callback: what came meanwhile is delivered to no Interrupt.
        const left = interrupt.record.running;
        const entry = ledger.get(interrupt.account);
        if (entry.secret and library.event_pipe.wait(interrupt.record.pipe.?, 0) != 0) {
            watchdog.fail(
                "account {d}: its pipe is readable, though nobody knows it",
                .{interrupt.account},
            );
        }
        interrupt.record.close();
        entry.end.store(if (left) .left else .closed, .release);
        // Its last callback may have opened another one there.
        if (life.open[interrupt.place] == interrupt) life.open[interrupt.place] = null;
    }

    fn block(life: *Life, record: *consumer.InterruptRecord) void {
        life.note(.blocks);
        if (life.prng.random().boolean()) record.block() else library.record.block(record.token);
    }

    fn unblock(life: *Life, interrupt: *Interrupt) void {
        life.note(.blocks);
        const record = &interrupt.record;
        if (record.blocked() == 0) return;
        if (life.prng.random().boolean()) {
            record.unblock() catch {};
        } else {
            library.record.unblock(record.token);
        }
    }

    fn signal(life: *Life, interrupt: *Interrupt) consumer.Thrown!void {
        // What the callback of a close() signals is delivered to no Interrupt.
        if (interrupt.record.retired or ledger.isFull(life.lane)) return;
        if (ledger.get(interrupt.account).secret) return;
        life.note(.signals);
        const send = ledger.send(life.lane, interrupt.account);
        defer send.end(true);
        try interrupt.record.signal(send.value);
    }

    /// What a callback of a user may do.
    fn called(life: *Life, interrupt: *Interrupt) consumer.Thrown!void {
        const random = life.prng.random();
        const other = life.open[random.uintLessThan(usize, ledger.places)];
        switch (random.uintLessThan(u32, 64)) {
            0 => life.close(interrupt),
            1 => if (other) |it| life.close(it),
            2...5 => life.block(&interrupt.record),
            6 => try life.signal(interrupt),
            7 => if (other) |it| try life.signal(it),
            8...10 => try life.agent.checkpoint(),
            11 => return error.Thrown,
            12 => {
                try life.signal(interrupt);
                return error.Thrown;
            },
            else => {},
        }
    }

    /// What is pending must become known without a further signal: nothing else ends these loops.
    fn rest(life: *Life) void {
        life.calm = true;
        life.note(.@"waits for a wake");
        while (life.anyPending(true)) life.agent.loop(std.time.ns_per_ms);
        life.note(.@"runs a checkpoint");
        while (life.anyPending(false)) life.agent.checkpoint() catch {};
        for (life.open) |maybe| if (maybe) |interrupt| life.awaitPipe(interrupt);
        life.note(.blocks);
        for (life.open) |maybe| {
            const interrupt = maybe orelse continue;
            while (interrupt.record.blocked() > 0) interrupt.record.unblock() catch {};
        }
        life.note(.@"waits for the callback of a signal it raised");
        for (life.open) |maybe| life.examine(maybe orelse continue);
    }

    /// While a record is pending its pipe is readable, or a signaller is about to make it so. Else
    /// the pipe is not readable.
    fn awaitPipe(life: *Life, interrupt: *Interrupt) void {
        const record = &interrupt.record;
        if (!record.autodrains() or !record.owns_pipe) return;
        life.note(.@"waits for a pipe");
        if (record.blocked() > 0 and record.pending() != 0) {
            while (library.event_pipe.wait(record.pipe.?, std.time.ns_per_ms) != 1) {}
        }
        // Nobody else writes to it.
        if (ledger.get(interrupt.account).pipe.load(.monotonic) != 0) return;
        while (record.pending() == 0 and library.event_pipe.wait(record.pipe.?, 0) == 1) {
            life.agent.checkpoint() catch {};
        }
    }

    /// The signal that it hooks still comes through, while no Interrupt is opened or closed, which
    /// would install our handler again.
    fn examine(life: *Life, interrupt: *Interrupt) void {
        const entry = ledger.get(interrupt.account);
        if (!entry.hooks) return;
        for (0..4) |_| {
            // Several: one may come in the middle of the other's handling.
            var since: u64 = 0;
            for (0..4) |_| {
                since = system.now();
                signaller.raise(.process, @intCast(entry.hooked.load(.monotonic)));
                life.agent.checkpoint() catch {};
            }
            while (entry.called.load(.monotonic) <= since) {
                life.agent.loop(std.time.ns_per_ms);
                life.agent.checkpoint() catch {};
            }
        }
    }

    fn anyPending(life: *Life, wakes: bool) bool {
        for (life.open) |maybe| {
            const record = &(maybe orelse continue).record;
            if (record.blocked() == 0 and (record.wakes() or !wakes) and record.pending() != 0) {
                return true;
            }
        }
        return false;
    }

    fn end(life: *Life, in_order: bool) void {
        life.calm = true;
        for (life.open) |maybe| {
            const interrupt = maybe orelse continue;
            if (in_order) {
                life.close(interrupt);
            } else {
                ledger.get(interrupt.account).end.store(.left, .release);
            }
        }
        if (in_order) {
            library.event_pipe.close(life.shared_pipe);
        } else {
            _ = lives.died.fetchAdd(1, .monotonic);
        }
        life.note(.ends);
        life.agent.end();
    }
};

fn callback(record: *consumer.InterruptRecord, value: i32) consumer.Thrown!void {
    const interrupt: *Interrupt = @fieldParentPtr("record", record);
    const life = interrupt.life;
    ledger.deliver(life.lane, interrupt.account, value);
    if (!life.calm) try life.called(interrupt);
}
