//! The library in a build where one call to the kernel or libc can be told to fail: see `fail`.
const std = @import("std");
const linux = std.os.linux;
const library = @import("async_interrupt");

pub const functions = .{
    .{ "fault", arm, .{ "number", "nth", "errno" }, "The nth call of this number from now on, on any thread, fails once with errno, with a negative errno all after it too; all 0: none does. Counts anew." },
    .{ "fault_calls", callsOf, .{"number"}, "How many calls of this number there were." },
    .{ "in_use", inUse, .{"what"}, "0 records, 1 EventPipes, 2 agents, 3 hooked signals." },
    .{ "fault_name", nameOf, .{"number"}, "Address of the C string that names the call with this number; 0: there is none." },
    .{ "fault_numbers", highest, .{}, "Call numbers are below this." },
};

comptime {
    // Its exports.
    _ = library;
}

const numbers = 1006;

var calls: [numbers]std.atomic.Value(u32) = @splat(.init(0));
var armed: struct { number: std.atomic.Value(u32), first: u32, last: u32, errno: u16 } = .{
    .number = .init(0),
    .first = 0,
    .last = 0,
    .errno = 0,
};

/// Asked by zig-src/platform/system_call.zig before each call; also in signal handlers.
pub fn fail(number: u32) ?u16 {
    const nth = calls[number].fetchAdd(1, .seq_cst) + 1;
    const is_armed = armed.number.load(.acquire) == number;
    const fails = is_armed and armed.first <= nth and nth <= armed.last;
    return if (fails) armed.errno else null;
}

fn arm(number: u32, nth: u32, errno: i32) callconv(.c) void {
    // No thread makes such a call meanwhile: the test has not begun it.
    for (&calls) |*count| count.store(0, .seq_cst);
    armed.first = nth;
    armed.last = if (errno < 0) std.math.maxInt(u32) else nth;
    armed.errno = @intCast(@abs(errno));
    armed.number.store(number, .release);
}

fn callsOf(number: u32) callconv(.c) u32 {
    return calls[number].load(.seq_cst);
}

fn nameOf(number: u32) callconv(.c) u64 {
    const name = if (std.enums.fromInt(linux.SYS, number)) |call|
        @tagName(call)
    else if (std.enums.fromInt(library.system_call.Function, number)) |function|
        @tagName(function)
    else
        return 0;
    return @intFromPtr(name.ptr);
}

fn highest() callconv(.c) u32 {
    return numbers;
}

fn inUse(what: u32) callconv(.c) u32 {
    return switch (what) {
        0 => slotsInUse(&library.record.slab),
        1 => slotsInUse(&library.event_pipe.slab),
        2 => slotsInUse(&library.agent.slab),
        else => signalsHooked(),
    };
}

/// Slots that were handed out and are not free.
fn slotsInUse(slab: *library.slab.Slab) u32 {
    var count = slab.used.load(.acquire);
    var slot = slab.free;
    while (slot != 0) : (slot = slab.get(slot).free_next) count -= 1;
    return count;
}

fn signalsHooked() u32 {
    var count: u32 = 0;
    for (&library.hook.state.hooks) |*hook| {
        if (hook.locked.count != 0 or hook.locked.with_hysteresis != 0) count += 1;
    }
    return count;
}
