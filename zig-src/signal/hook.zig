//! The state of each signal that Interrupts hook: the handler and the registry share it.
const std = @import("std");
const agents = @import("../agent.zig");
const platform = @import("../platform.zig");
const Subscribers = @import("subscribers.zig").Subscribers;

/// Bits beside the address of an old handler, which no address has. Address and bits are one word
/// because the registry may replace them while a handler reads them.
pub const old_bits = struct {
    /// It was installed for a single signal (SA_RESETHAND), and is gone after that.
    pub const one_shot: u64 = 1 << 63;
    /// It may itself call ours: it was installed over ours at some time, and signal libraries call
    /// the handler that they found.
    pub const calls_ours: u64 = 1 << 62;
    /// It gets every signal, whether a subscriber chains or not.
    pub const always: u64 = 1 << 61;
    pub const all = one_shot | calls_ours | always;
};

/// How many signals one restoring may find in flight: each of them on a thread that the kernel has
/// sent into our handler, and that has not yet read the cells.
pub const in_flight_max = 16;

/// All but `locked` is atomic: a handler reads it without a lock.
pub const Hook = struct {
    subscribers: Subscribers = .{},
    /// How often a subscriber came or went. A handler that found nobody reads it again: if it is
    /// the same, nobody was there in between.
    changes: std.atomic.Value(u32) = .init(0),
    /// How many signals may still be in flight after the last subscriber has gone. It is a limit,
    /// so that nothing is sent again for ever; 0 where a foreign handler may call ours, since that
    /// one would pass each such signal back to us.
    in_flight: std.atomic.Value(i32) = .init(0),
    /// Only if all subscribers want it: one that does not would lose the signals that the kernel
    /// ignores.
    hysteresis: std.atomic.Value(bool) = .init(false),
    /// The kernel ignores the signal because we told it to.
    ignored: std.atomic.Value(bool) = .init(false),
    /// How many handlers are about to make the kernel ignore the signal, or to give it back.
    ignoring: std.atomic.Value(u32) = .init(0),
    /// Each subscriber wants one signal: the handler that finds all of them spent gives the signal
    /// back, so that the next one does what it did before.
    gives_back: std.atomic.Value(bool) = .init(false),
    /// A handler has given it back.
    given_back: std.atomic.Value(bool) = .init(false),
    /// What is given back. The registry changes it while `gives_back` is false and no handler is
    /// counted in `ignoring`.
    target: platform.Disposition = std.mem.zeroes(platform.Disposition),
    /// Its address, for handlers that are not counted; and the address that was the target if a
    /// listener of the program's own has just come or gone.
    target_handler: std.atomic.Value(usize) = .init(0),
    other_target: std.atomic.Value(usize) = .init(0),
    /// A signal came when all were spent, while the registry was changing them: the registry sends
    /// it again.
    missed: std.atomic.Value(bool) = .init(false),
    /// A foreign handler was installed over ours at some time. It may call ours for ever, so this
    /// never becomes false again.
    has_foreign_handler: std.atomic.Value(bool) = .init(false),
    /// What a handler calls for a subscriber that chains: an address with `old_bits`, 0 for none.
    old_handler: std.atomic.Value(u64) = .init(0),
    /// The runtime's handler, which gets every signal: the same form.
    runtime_handler: std.atomic.Value(u64) = .init(0),
    /// How often our handler has called it.
    passed_on: std.atomic.Value(u32) = .init(0),
    locked: Locked = .{},
};

/// Whether the program has listeners of its own with the runtime. A Worker of Node cannot tell.
pub const Others = enum { unknown, none, some };

/// Only the registry uses it, under its lock.
pub const Locked = struct {
    /// Subscribers.
    count: u32 = 0,
    /// How many of them want hysteresis.
    with_hysteresis: u32 = 0,
    /// How many of them want one signal.
    with_once: u32 = 0,
    others: Others = .unknown,
    /// The disposition that returns when the last subscriber goes.
    old: platform.Disposition = std.mem.zeroes(platform.Disposition),
    listeners: Listeners = .{},
};

/// The agents that have registered a listener with their runtime. The runtime installs its handler
/// for the first of them; ours goes on top, and the runtime's stays beneath it.
pub const Listeners = struct {
    count: u32 = 0,
    /// The disposition before the first of them.
    before: platform.Disposition = std.mem.zeroes(platform.Disposition),
    /// It could not be put back yet: that is done when the next listener goes.
    is_owed: bool = false,
    /// The handler just before the last of them registered.
    handler_then: usize = 0,
    /// The agent whose listener counts its calls, so that we know which of them are for signals
    /// that ours has passed on.
    counter: u32 = agents.nobody,
    /// How many of its calls these were. Of the signals passed on, the others are still on their
    /// way to the listener, or came when there was none.
    calls: u32 = 0,
    /// `passed_on` when ours was installed. null: the next call may be for one of those signals.
    passed_then: ?u32 = null,
};

pub var hooks: [platform.signal_max + 1]Hook = @splat(.{});

/// How many threads may be about to pass a signal on to the runtime, and have not yet counted it.
/// In the place of signal 0, which is none: one function gives both counts to JavaScript.
pub const passing = &hooks[0].passed_on;

/// The process in which the runtime listens. In the child of a fork(2) no listener runs: there the
/// runtime's handler would wake the parent's listeners, by a pipe that both processes share.
pub var listening_process: i32 = 0;
