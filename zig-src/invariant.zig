//! Two kinds of checks. `std.debug.assert` is neither: in a small or fast build it is a promise to
//! the optimizer, so that a condition that does not hold becomes undefined behaviour there.

/// For a condition that memory safety depends on: a count that must not wrap, a slot that must
/// exist. It ends the process in every build mode, since anything else would go on with memory
/// that belongs to another owner. A trap takes two bytes, calls nothing and allocates nothing, so
/// a signal handler may run into it as well.
pub inline fn invariant(holds: bool) void {
    if (!holds) @trap();
}

/// For a mistake that cannot corrupt memory. Debug and safe builds, which the tests and the stress
/// run, panic with a trace; the others leave the check out, and the optimizer assumes nothing.
pub inline fn debugCheck(holds: bool) void {
    if (@import("std").debug.runtime_safety and !holds) unreachable;
}
