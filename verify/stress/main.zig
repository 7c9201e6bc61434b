//! Stress of the native library, in the shape of libuv's test-async: `zig build stress -- --seconds
//! 3 --seed 1`.
//!
//! Twenty-four threads signal, ten create, hook, block, unblock and close what is signalled, and
//! die. Rounds end with all at rest, and then everything must add up: every signal sent
//! (ledger.zig), the descriptors, the dispositions, the slots.
const std = @import("std");
const linux = std.os.linux;
const builtin = @import("builtin");
const library = @import("async_interrupt");
const churner = @import("churner.zig");
const ledger = @import("ledger.zig");
const signaller = @import("signaller.zig");
const system = @import("system.zig");
const watchdog = @import("watchdog.zig");
const fail = watchdog.fail;

const variant = if (builtin.sanitize_thread) "thread" else @tagName(builtin.mode);

/// The number of the round that runs; the threads wait for the next.
var round: system.Counter = .{};
var signallers_done: system.Counter = .{};
var churners_done: system.Counter = .{};
var stopping = false;

pub fn main(init: std.process.Init) !void {
    var seconds: u64 = 3;
    var seed: u64 = system.now();
    var arguments = init.minimal.args.iterate();
    _ = arguments.next();
    while (arguments.next()) |name| {
        const value = try std.fmt.parseInt(
            u64,
            arguments.next() orelse return error.MissingValue,
            10,
        );
        if (std.mem.eql(u8, name, "--seconds")) {
            seconds = value;
        } else if (std.mem.eql(u8, name, "--seed")) {
            seed = value;
        } else {
            return error.UnknownOption;
        }
    }
    var buffer: [1024]u8 = undefined;
    var file = std.Io.File.stdout().writer(init.io, &buffer);
    const out = &file.interface;
    try out.print(
        "stress {s}: seed {d}, {d} signallers, {d} churners",
        .{ variant, seed, ledger.signallers, ledger.churners },
    );
    try out.flush();

    system.blockSignals();
    try watchdog.start(variant, seed);
    installDispositions();
    var threads: [ledger.lanes]std.Thread = undefined;
    for (&threads, 0..) |*thread, lane| thread.* = try std.Thread.spawn(.{}, work, .{ lane, seed });

    const flat: Flat = .now();
    var sums: ledger.Sums = .{};
    const end = system.now() + seconds * std.time.ns_per_s;
    while (system.now() < end) {
        playRound();
        ledger.settle(&sums);
        flat.check();
        watchdog.reset();
    }
    stopping = true;
    round.add();
    for (threads) |thread| thread.join();
    checkSlots();
    checkAgents();

    const accounted = sums.delivered + sums.replaced + sums.refused + sums.left;
    try out.print(
        ": {d} sent = {d} accounted for " ++
            "({d} delivered + {d} replaced + {d} refused + {d} left by the dead); ",
        .{ sums.sent, accounted, sums.delivered, sums.replaced, sums.refused, sums.left },
    );
    try out.print(
        "{d} real signals, {d} callbacks, {d} of {d} awaited; ",
        .{
            signaller.raises.count.raw,
            sums.real,
            signaller.raises.awaited.raw,
            signaller.raises.awaited.raw,
        },
    );
    try out.print(
        "{d} Interrupts, {d} agents, {d} died; {d} rounds, flat after each\n",
        .{ sums.accounts, churner.lives.count.raw, churner.lives.died.raw, round.get() - 1 },
    );
    try out.flush();
}

fn work(lane: usize, seed: u64) void {
    const is_signaller = lane < ledger.signallers;
    if (is_signaller) signaller.open(lane);
    var number: u32 = 0;
    while (true) {
        number = round.waitWhile(number);
        if (stopping) return;
        const own_seed = std.hash.int(seed ^ std.hash.int(@as(u64, number) << 32 | lane));
        if (is_signaller) {
            signaller.run(lane, own_seed);
            signallers_done.add();
        } else {
            churner.run(lane - ledger.signallers, own_seed);
            churners_done.add();
        }
    }
}

fn playRound() void {
    ledger.begin(round.get() + 1);
    churner.resting.store(false, .monotonic);
    signallers_done = .{};
    churners_done = .{};
    round.add();
    signallers_done.waitFor(ledger.signallers);
    churner.resting.store(true, .release);
    churners_done.waitFor(ledger.churners);
}

/// Of every kind: ignored, default where that does not end the process, and handlers with flags and
/// masks of their own.
fn installDispositions() void {
    var ignored = std.mem.zeroes(linux.k_sigaction);
    ignored.handler = @ptrFromInt(1);
    var handled = std.mem.zeroes(linux.k_sigaction);
    handled.handler = @ptrCast(&oldHandler);
    handled.flags = linux.SA.RESTART | linux.SA.RESTORER;
    handled.restorer = @ptrCast(&linux.restore_rt);
    system.setDisposition(system.preempts, handled);
    handled.flags |= linux.SA.SIGINFO;
    for (system.signals, 0..) |signal, index| {
        if (signal == .URG or signal == .WINCH) continue;
        linux.sigaddset(&handled.mask, signal);
        system.setDisposition(signal, if (index % 2 == 0) handled else ignored);
    }
}

fn oldHandler(_: i32) callconv(.c) void {
    _ = linux.sched_yield();
}

/// What no round may change.
const Flat = struct {
    descriptors: u32,
    dispositions: [system.signals.len]linux.k_sigaction,

    fn now() Flat {
        var flat: Flat = .{ .descriptors = system.descriptors(), .dispositions = undefined };
        for (&flat.dispositions, system.signals) |*disposition, signal| {
            disposition.* = system.disposition(signal);
        }
        return flat;
    }

    fn check(before: *const Flat) void {
        const after: Flat = .now();
        if (before.descriptors != after.descriptors) {
            fail("{d} descriptors, {d} before", .{ after.descriptors, before.descriptors });
        }
        for (&before.dispositions, &after.dispositions, system.signals) |*old, *new, signal| {
            if (!std.mem.eql(u8, std.mem.asBytes(old), std.mem.asBytes(new))) {
                fail(
                    "SIG{t} has another disposition than before: {any}, not {any}",
                    .{ signal, new.*, old.* },
                );
            }
        }
        for (1..churner.slots.load(.monotonic) + 1) |slot| {
            const record = library.record.get(@intCast(slot));
            const tag: library.slab.Tag = @bitCast(record.head.tag.load(.monotonic));
            if (tag.generation % 2 != 0) fail("slot {d} is in use", .{slot});
            if (tag.busy != 0) fail("slot {d} has a busy count of {d}", .{ slot, tag.busy });
            if (record.listed.load(.monotonic) != 0) fail("slot {d} is listed", .{slot});
        }
    }
};

/// None was lost: all that were ever used can be had again, but for those that have used up their
/// generations.
fn checkSlots() void {
    const agent: u32 = @intCast(library.realm.open());
    const highest = churner.slots.load(.monotonic);
    for (1..highest + 1) |slot| {
        const head = &library.record.get(@intCast(slot)).head;
        const tag: library.slab.Tag = @bitCast(head.tag.load(.monotonic));
        if (tag.generation == 0) continue;
        const again = library.record.open(agent, 0);
        if (again == null or again.? > highest) fail("slot {d} or another one was lost", .{slot});
    }
    library.realm.close(agent);
}

/// None was lost, and none begins with what an earlier one left.
fn checkAgents() void {
    const used = library.agent.slab.used.load(.monotonic);
    for (0..used) |_| {
        const id = library.realm.open();
        if (id < 1 or id > used) fail("one of the {d} agents was lost", .{used});
        const agent = library.agent.get(@intCast(id));
        if (agent.list.load(.monotonic) != 0 or agent.attention().load(.monotonic) != 0) {
            fail("agent {d} begins with what an earlier one left", .{id});
        }
    }
    for (1..used + 1) |id| library.realm.close(@intCast(id));
}
