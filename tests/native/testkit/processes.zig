//! This process, its children, and what may look into it.
const std = @import("std");
const linux = std.os.linux;
const answer = @import("system_call.zig").answer;
const readFd = @import("descriptors.zig").readFd;
const ValueFunction = @import("callbacks.zig").ValueFunction;

pub fn pid() callconv(.c) i32 {
    return linux.getpid();
}

pub fn tid() callconv(.c) i32 {
    return linux.gettid();
}

/// The child has none of the engine's memory: only native code runs there, and only what a signal
/// handler may do.
pub fn fork(func: u64, arg: u64, fd: i32) callconv(.c) i32 {
    const parent = linux.getpid();
    const child = answer(linux.fork());
    if (child != 0) return child;
    _ = linux.prctl(@backingInt(linux.PR.SET_PDEATHSIG), @backingInt(linux.SIG.KILL), 0, 0, 0);
    // The parent may have died before prctl(2).
    if (linux.getppid() != parent) linux.exit_group(1);
    if (fd >= 0) _ = readFd(fd);
    @as(ValueFunction, @ptrFromInt(func))(arg, 42);
    linux.exit_group(if (exit_word) |word| word.load(.seq_cst) else 0);
}

var exit_word: ?*const std.atomic.Value(i32) = null;

pub fn forkExit(address: u64) callconv(.c) void {
    exit_word = @ptrFromInt(address);
}

pub fn waitExit(process: i32) callconv(.c) i32 {
    var status: u32 = 0;
    while (linux.errno(linux.wait4(process, @ptrCast(&status), 0, null)) == .INTR) {}
    const signal: i32 = @intCast(status & 0x7f);
    return if (signal != 0) -signal else @intCast(status >> 8 & 0xff);
}

pub fn allowTracing() callconv(.c) void {
    const anybody = std.math.maxInt(usize);
    _ = linux.prctl(@backingInt(linux.PR.SET_PTRACER), anybody, 0, 0, 0);
}

const DlInfo = extern struct {
    file: ?[*:0]const u8,
    base: usize,
    name: ?[*:0]const u8,
    address: usize,
};

const dladdr = @extern(
    ?*const fn (usize, *DlInfo) callconv(.c) c_int,
    .{ .name = "dladdr", .linkage = .weak },
);

pub fn symbolAt(address: u64) callconv(.c) u64 {
    var info: DlInfo = undefined;
    if (dladdr.?(address, &info) == 0 or info.address != address) return 0;
    return @intFromPtr(info.name);
}
