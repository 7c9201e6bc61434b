//! The functions that take values from outside, called with anything: `zig build test --fuzz=100K`
//! lets coverage choose.
const std = @import("std");
const linux = std.os.linux;
const event_pipe = @import("event_pipe.zig");
const hook = @import("signal/registry.zig");
const platform = @import("platform.zig");
const realm = @import("realm.zig");
const records = @import("record.zig");
const subscriptions = @import("signal/subscription.zig");
const Status = @import("status.zig").Status;

/// A record.
const Life = struct {
    slot: u32,
    token: u64,
    /// What should be pending.
    pending: i32 = 0,
    flags: u32 = 0,
    /// The token that setPipe() gave it: that of a pipe, or of none.
    pipe: u64 = 0,
    /// Index in `signals`.
    hooked: ?usize = null,
    options: u32 = 0,
};

const Pipe = struct {
    slot: u32,
    token: u64,
    fds: [2]platform.Fd,
    is_readable: bool = false,
    was_given: bool,
    /// The caller's own numbers, as long as it has them.
    given: ?[2]platform.Fd,
};

/// Signals that nothing else uses here. Some end the process by default: a handler is always there.
const signals = [_]u32{
    @backingInt(linux.SIG.USR2),
    @backingInt(linux.SIG.URG),
    @backingInt(linux.SIG.WINCH),
    40,
};

/// Handlers of foreign code, which count.
const Foreign = struct {
    var calls: [2][signals.len]u32 = @splat(@splat(0));

    fn entry(comptime which: usize) platform.Disposition {
        var disposition = platform.ours(&struct {
            fn entry(signal: i32, _: ?*const anyopaque, _: ?*anyopaque) callconv(.c) void {
                calls[which][std.mem.findScalar(u32, &signals, @intCast(signal)).?] += 1;
            }
        }.entry);
        // The kernel takes SIGKILL and SIGSTOP out of a mask, and the bytes would differ.
        disposition.mask = @splat(0);
        return disposition;
    }

    fn of(which: usize) platform.Disposition {
        return if (which == 0) entry(0) else entry(1);
    }
};

const Signal = struct {
    /// What the kernel has.
    live: union(enum) { foreign: usize, ours, ignored } = .{ .foreign = 0 },
    /// Whose handler was there before ours.
    old: usize = 0,
    /// How often the foreign handlers should have been called.
    calls: [2]u32 = @splat(0),
};

const Call = enum {
    open,
    close,
    signal,
    signal_closed,
    signal_anything,
    block_anything,
    take,
    flag,
    use_pipe,
    hook,
    hook_options,
    rearm,
    raise,
    overlay,
    check_signal,
    pipe_open,
    pipe_adopt,
    pipe_close_given,
    pipe_close,
    pipe_signal,
    pipe_drain,
    pipe_anything,
    pipe_wait,
    pipe_renew,
};

/// A small model: which records live, what is pending, and which handler each signal has.
const World = struct {
    smith: *std.testing.Smith,
    agent: u32,
    open: [8]?Life = @splat(null),
    closed: [8]u64 = @splat(0),
    pipes: [4]?Pipe = @splat(null),
    closed_pipes: [4]u64 = @splat(0),
    signals: [signals.len]Signal = @splat(.{}),

    fn step(world: *World) !void {
        const smith = world.smith;
        const place = smith.index(world.open.len);
        const maybe = &world.open[place];
        const pipe_place = smith.index(world.pipes.len);
        const maybe_pipe = &world.pipes[pipe_place];
        switch (smith.value(Call)) {
            .open => if (maybe.* == null) {
                const slot = records.open(world.agent, 0).?;
                maybe.* = .{ .slot = slot, .token = records.token(slot) };
                for (world.closed) |token| try std.testing.expect(token != maybe.*.?.token);
            },
            .close => if (maybe.*) |life| {
                subscriptions.retire(life.slot);
                records.release(life.slot);
                world.closed[place] = life.token;
                maybe.* = null;
                if (life.hooked) |index| try world.unhooked(index);
            },
            .signal => if (maybe.*) |*life| {
                const value = anyValue(smith);
                try std.testing.expectEqual(1, records.signalChecked(life.token, value));
                world.sent(life, value);
            },
            .signal_closed => if (world.closed[place] != 0) {
                try std.testing.expectEqual(0, records.signalChecked(world.closed[place], 1));
                records.signal(world.closed[place], 1);
            },
            .signal_anything => {
                const token = anyToken(smith);
                const value = anyValue(smith);
                const was = world.isOpen(token);
                const answer = records.signalChecked(token, value);
                if (was) |life| {
                    try std.testing.expectEqual(1, answer);
                    world.sent(life, value);
                } else {
                    try std.testing.expect(answer == 0 or answer == Status.forged.code());
                    records.signal(token, value);
                }
            },
            .block_anything => {
                const token = anyToken(smith);
                if (world.isOpen(token)) |life| {
                    records.block(token);
                    try std.testing.expectEqual(1, records.get(life.slot).blocked);
                    records.unblock(token);
                    if (life.pending != 0) world.announced(life);
                } else {
                    records.block(token);
                }
                // One call too many.
                records.unblock(token);
            },
            // As JavaScript does when it handles.
            .take => if (maybe.*) |*life| {
                try std.testing.expectEqual(
                    life.pending,
                    records.get(life.slot).head.word.swap(0, .seq_cst),
                );
                life.pending = 0;
            },
            .flag => if (maybe.*) |*life| {
                const flag = @as(u32, 1) << smith.valueRangeAtMost(u5, 0, 2);
                const on = smith.value(u32);
                records.setFlag(life.slot, flag, on);
                if (on == 0) {
                    life.flags &= ~flag;
                } else {
                    life.flags |= flag;
                    if (life.pending != 0 and flag != records.flag_wake) world.wrote(life.pipe);
                }
            },
            .use_pipe => if (maybe.*) |*life| {
                life.pipe = if (maybe_pipe.*) |pipe|
                    pipe.token
                else if (smith.value(bool))
                    world.closed_pipes[pipe_place]
                else
                    anyToken(smith);
                records.setPipe(life.slot, life.pipe);
            },
            .hook => if (maybe.*) |*life| if (life.hooked == null) {
                const options = smith.value(u32);
                const index = smith.index(signals.len);
                const signal = if (smith.value(bool)) signals[index] else anySignal(smith);
                const refused = hook.check(signal);
                if (refused < 0) {
                    const status = subscriptions.hook(life.slot, signal, options);
                    try std.testing.expectEqual(refused, status);
                } else if (signal == signals[index]) {
                    try std.testing.expectEqual(0, subscriptions.hook(life.slot, signal, options));
                    life.hooked = index;
                    life.options = options;
                    const state = &world.signals[index];
                    if (state.live == .foreign) state.old = state.live.foreign;
                    state.live = .ours;
                    try world.checkDisposition(index);
                }
            },
            .hook_options => if (maybe.*) |*life| {
                life.options = smith.value(u32);
                try std.testing.expectEqual(0, subscriptions.setOptions(life.slot, life.options));
                try world.rearmed(life.hooked);
            },
            .rearm => if (maybe.*) |life| {
                try std.testing.expectEqual(0, subscriptions.rearm(life.slot));
                try world.rearmed(life.hooked);
            },
            .raise => try world.raise(smith.index(signals.len)),
            // A foreign handler over ours, or over another foreign one.
            .overlay => {
                const index = smith.index(signals.len);
                const which = smith.index(2);
                try std.testing.expectEqual(
                    0,
                    platform.setDisposition(signals[index], &Foreign.of(which)),
                );
                world.signals[index].live = .{ .foreign = which };
            },
            .check_signal => {
                const signal = anySignal(smith);
                const answer = hook.check(signal);
                const exists = signal >= 1 and signal <= 64;
                try std.testing.expectEqual(!exists, answer == Status.unknown_signal.code());
            },
            .pipe_open => if (maybe_pipe.* == null) {
                try world.pipeOpened(pipe_place, event_pipe.open(world.agent), null);
            },
            .pipe_adopt => if (maybe_pipe.* == null) {
                var ends: [2]platform.Fd = undefined;
                const is_pipe = smith.value(bool);
                const made = if (is_pipe) platform.pipePair(&ends) else platform.streamPair(&ends);
                try std.testing.expectEqual(0, made);
                try world.pipeOpened(
                    pipe_place,
                    event_pipe.adopt(world.agent, ends[0], ends[1]),
                    ends,
                );
            },
            .pipe_close_given => if (maybe_pipe.*) |*pipe| if (pipe.given) |ends| {
                for (ends) |end| platform.close(end);
                pipe.given = null;
            },
            .pipe_close => if (maybe_pipe.*) |pipe| {
                event_pipe.close(pipe.slot);
                if (pipe.given) |ends| for (ends) |end| platform.close(end);
                world.closed_pipes[pipe_place] = pipe.token;
                maybe_pipe.* = null;
            },
            .pipe_signal => if (maybe_pipe.*) |*pipe| {
                event_pipe.signal(pipe.token);
                pipe.is_readable = true;
            },
            .pipe_drain => if (maybe_pipe.*) |*pipe| {
                event_pipe.drain(pipe.token);
                pipe.is_readable = false;
            },
            .pipe_anything => {
                const is_closed = smith.value(bool);
                const token = if (is_closed) world.closed_pipes[pipe_place] else anyToken(smith);
                event_pipe.signal(token);
                world.wrote(token);
                if (world.isOpenPipe(token)) |pipe| {
                    try std.testing.expectEqual(1, event_pipe.wait(pipe.slot, 0));
                }
                event_pipe.drain(token);
                if (world.isOpenPipe(token)) |pipe| pipe.is_readable = false;
                const slot = event_pipe.adopt(
                    world.agent,
                    smith.valueRangeAtMost(i32, std.math.minInt(i32), -1),
                    smith.value(i32),
                );
                try std.testing.expect(slot < 0);
            },
            .pipe_wait => if (maybe_pipe.*) |pipe| {
                // Nobody makes it readable meanwhile. So wait at most 65 microseconds, unless it is
                // readable already.
                const timeout: u64 = if (pipe.is_readable) anyTimeout(smith) else smith.value(u16);
                try std.testing.expectEqual(
                    @intFromBool(pipe.is_readable),
                    event_pipe.wait(pipe.slot, timeout),
                );
            },
            .pipe_renew => if (maybe_pipe.*) |*pipe| {
                const status = event_pipe.renew(pipe.slot);
                if (pipe.was_given and pipe.given == null) {
                    // Foreign code may have the numbers by now, and keeps what it has.
                    const is_closed = Status.errnoOf(status) == @backingInt(linux.E.BADF);
                    try std.testing.expect(status == Status.bad_fd.code() or is_closed);
                } else {
                    try std.testing.expectEqual(0, status);
                    pipe.is_readable = false;
                }
            },
        }
        if (maybe_pipe.*) |pipe| try world.checkPipe(pipe);
        for (world.open) |life| if (life) |it| {
            try std.testing.expectEqual(it.pending, records.get(it.slot).head.word.load(.seq_cst));
            try std.testing.expectEqual(0, records.get(it.slot).blocked);
        };
    }

    fn isOpen(world: *World, token: u64) ?*Life {
        for (&world.open) |*maybe| if (maybe.*) |*life| if (life.token == token) return life;
        return null;
    }

    fn isOpenPipe(world: *World, token: u64) ?*Pipe {
        for (&world.pipes) |*maybe| if (maybe.*) |*pipe| if (pipe.token == token) return pipe;
        return null;
    }

    fn sent(world: *World, life: *Life, value: i32) void {
        if (life.pending == 0) world.announced(life);
        life.pending = if (value == 0) 1 else value;
    }

    fn announced(world: *World, life: *const Life) void {
        if (life.flags & (records.flag_pipe | records.flag_pipe_last) != 0) world.wrote(life.pipe);
    }

    fn wrote(world: *World, token: u64) void {
        if (world.isOpenPipe(token)) |pipe| pipe.is_readable = true;
    }

    fn pipeOpened(world: *World, place: usize, slot: i32, given: ?[2]platform.Fd) !void {
        try std.testing.expect(slot > 0);
        const id: u32 = @intCast(slot);
        const token = event_pipe.token(id);
        for (world.closed_pipes) |closed| try std.testing.expect(token != closed);
        world.pipes[place] = .{
            .slot = id,
            .token = token,
            .fds = .{ event_pipe.info(id, 0), event_pipe.info(id, 1) },
            .was_given = given != null,
            .given = given,
        };
    }

    /// Its numbers have not changed, and the caller's descriptors are still of the same pipe.
    fn checkPipe(_: *World, pipe: Pipe) !void {
        for (pipe.fds, 0..) |fd, which| {
            try std.testing.expectEqual(fd, event_pipe.info(pipe.slot, @intCast(which)));
        }
        const readable: i32 = @intFromBool(pipe.is_readable);
        try std.testing.expectEqual(readable, event_pipe.wait(pipe.slot, 0));
        if (pipe.given) |ends| {
            try std.testing.expectEqual(readable, platform.waitReadable(ends[0], 0));
        }
    }

    /// Subscribers of a signal, and how many of them want this.
    fn count(world: *World, index: usize, option: u32) [2]usize {
        var result: [2]usize = @splat(0);
        for (world.open) |maybe| if (maybe) |life| if (life.hooked == index) {
            result[0] += 1;
            if (life.options & option != 0) result[1] += 1;
        };
        return result;
    }

    fn unhooked(world: *World, index: usize) !void {
        const state = &world.signals[index];
        if (world.count(index, 0)[0] == 0 and state.live != .foreign) {
            state.live = .{ .foreign = state.old };
        }
        try world.checkDisposition(index);
    }

    fn rearmed(world: *World, hooked: ?usize) !void {
        const index = hooked orelse return;
        const state = &world.signals[index];
        if (state.live == .ignored) state.live = .ours;
        try world.checkDisposition(index);
    }

    /// To this very thread: it has been handled when the system call returns.
    fn raise(world: *World, index: usize) !void {
        const state = &world.signals[index];
        _ = linux.tgkill(linux.getpid(), linux.gettid(), @fromBackingInt(signals[index]));
        switch (state.live) {
            .foreign => |which| state.calls[which] += 1,
            .ignored => {},
            .ours => {
                const subscribers, const hysteresis = world.count(index, hook.option_hysteresis);
                if (hysteresis == subscribers) state.live = .ignored;
                for (&world.open) |*maybe| {
                    if (maybe.*) |*life| if (life.hooked == index) world.sent(life, 1);
                }
                if (world.count(index, hook.option_chain)[1] > 0) state.calls[state.old] += 1;
            },
        }
        for (state.calls, 0..) |calls, which| {
            try std.testing.expectEqual(calls, Foreign.calls[which][index]);
        }
        try world.checkDisposition(index);
    }

    fn checkDisposition(world: *World, index: usize) !void {
        var current: platform.Disposition = undefined;
        try std.testing.expectEqual(0, platform.disposition(signals[index], &current));
        var wanted = switch (world.signals[index].live) {
            .foreign => |which| Foreign.of(which),
            .ignored => platform.ignored(),
            .ours => {
                const ignored = platform.ignored().handler;
                try std.testing.expect(@intFromPtr(current.handler) != @intFromPtr(ignored));
                for (0..2) |which| {
                    try std.testing.expect(current.handler != Foreign.of(which).handler);
                }
                return;
            },
        };
        // Byte for byte, whatever is between the fields.
        try std.testing.expectEqualSlices(u8, std.mem.asBytes(&wanted), std.mem.asBytes(&current));
    }
};

fn run(_: void, smith: *std.testing.Smith) !void {
    var before: [signals.len]platform.Disposition = undefined;
    for (signals, &before) |signal, *old| {
        try std.testing.expectEqual(0, platform.swapDisposition(signal, &Foreign.of(0), old));
    }
    defer for (signals, &before) |signal, *old| {
        std.debug.assert(platform.setDisposition(signal, old) == 0);
    };
    Foreign.calls = @splat(@splat(0));

    const agent: u32 = @intCast(realm.open());
    var world: World = .{ .smith = smith, .agent = agent };
    {
        defer for (world.pipes) |maybe| {
            if (maybe) |pipe| if (pipe.given) |ends| for (ends) |end| platform.close(end);
        };
        // What is still open goes with it.
        defer realm.close(agent);
        while (!smith.eos()) try world.step();
    }
    for (&world.open) |*maybe| if (maybe.*) |life| {
        maybe.* = null;
        try std.testing.expectEqual(0, records.signalChecked(life.token, 1));
    };
    for (0..signals.len) |index| {
        try world.unhooked(index);
        try world.raise(index);
    }
}

fn anyValue(smith: *std.testing.Smith) i32 {
    return if (smith.value(bool)) smith.valueRangeAtMost(i32, -1, 1) else smith.value(i32);
}

fn anySignal(smith: *std.testing.Smith) u32 {
    return if (smith.value(bool)) smith.valueRangeAtMost(u32, 0, 70) else smith.value(u32);
}

fn anyTimeout(smith: *std.testing.Smith) u64 {
    if (!smith.value(bool)) return smith.value(u64);
    return @as(u64, event_pipe.forever) - smith.value(u8);
}

/// Any number; or a slot and a generation that are small, and so nearly one that was given out.
fn anyToken(smith: *std.testing.Smith) u64 {
    if (smith.value(bool)) return smith.value(u64);
    return smith.valueRangeAtMost(u64, 0, 9) << 32 | smith.valueRangeAtMost(u64, 0, 9);
}

test "the bindings refuse what nobody was given, and only that" {
    try std.testing.fuzz({}, run, .{});
}
