//! Signal dispositions and handlers of foreign code.
const std = @import("std");
const linux = std.os.linux;
const answer = @import("system_call.zig").answer;
const sigset_size = @import("system_call.zig").sigset_size;
const ValueFunction = @import("callbacks.zig").ValueFunction;

const Disposition = linux.k_sigaction;

var saved: [128]Disposition = undefined;
var handled: [65]std.atomic.Value(u32) = @splat(.init(0));
var senders: [65]std.atomic.Value(i32) = @splat(.init(0));
var forwards: [65]struct { func: ?ValueFunction = null, arg: u64 = 0 } = @splat(.{});

fn getDisposition(signal: i32) Disposition {
    var result = std.mem.zeroes(Disposition);
    _ = linux.syscall4(.rt_sigaction, @intCast(signal), 0, @intFromPtr(&result), sigset_size);
    // Without this flag libc leaves in the field what was on its stack, on arm64.
    if (result.flags & linux.SA.RESTORER == 0) @memset(std.mem.asBytes(&result.restorer), 0);
    return result;
}

fn setDisposition(signal: i32, disposition: Disposition) i32 {
    return answer(linux.syscall4(
        .rt_sigaction,
        @intCast(signal),
        @intFromPtr(&disposition),
        0,
        sigset_size,
    ));
}

pub fn dispositionSave(signal: i32, slot: u32) callconv(.c) void {
    saved[slot] = getDisposition(signal);
}

pub fn dispositionSame(signal: i32, slot: u32) callconv(.c) i32 {
    const now = getDisposition(signal);
    return @intFromBool(std.mem.eql(u8, std.mem.asBytes(&now), std.mem.asBytes(&saved[slot])));
}

pub fn dispositionWord(signal: i32, which: u32) callconv(.c) u64 {
    const now = getDisposition(signal);
    return switch (which) {
        0 => @intFromPtr(now.handler),
        1 => now.flags,
        2 => @intFromPtr(now.restorer),
        else => @as(u64, @bitCast(now.mask)),
    };
}

pub fn handlerDefault(signal: i32) callconv(.c) i32 {
    return setDisposition(signal, std.mem.zeroes(Disposition));
}

pub fn handlerIgnore(signal: i32) callconv(.c) i32 {
    var disposition = std.mem.zeroes(Disposition);
    disposition.handler = @ptrFromInt(1);
    return setDisposition(signal, disposition);
}

/// By signal, since a handler may be called after another one has been installed.
var wants_info: [65]std.atomic.Value(bool) = @splat(.init(false));

pub fn handlerCount(signal: i32, flags: u64, mask: u64) callconv(.c) i32 {
    wants_info[@intCast(signal)].store(flags & linux.SA.SIGINFO != 0, .seq_cst);
    return setDisposition(signal, .{
        .handler = @ptrCast(&handler),
        .flags = flags | linux.SA.RESTORER,
        .restorer = @ptrCast(&linux.restore_rt),
        .mask = @bitCast(mask),
    });
}

pub fn handlerForward(signal: i32, func: u64, arg: u64) callconv(.c) i32 {
    forwards[@intCast(signal)] = .{ .func = @ptrFromInt(func), .arg = arg };
    return handlerCount(signal, linux.SA.SIGINFO | linux.SA.RESTART | linux.SA.ONSTACK, 0);
}

fn handler(signal: i32, info: ?*const linux.siginfo_t, _: ?*anyopaque) callconv(.c) void {
    const index: usize = @intCast(signal);
    if (wants_info[index].load(.seq_cst)) {
        if (info) |given| senders[index].store(given.fields.common.first.piduid.pid, .seq_cst);
    }
    const target = forwards[index];
    if (target.func) |func| func(target.arg, signal);
    _ = handled[index].fetchAdd(1, .seq_cst);
}

pub fn handledCount(signal: i32) callconv(.c) u32 {
    return handled[@intCast(signal)].load(.seq_cst);
}

pub fn handledSender(signal: i32) callconv(.c) i32 {
    return senders[@intCast(signal)].load(.seq_cst);
}
