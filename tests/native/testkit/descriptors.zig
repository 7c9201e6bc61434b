//! Descriptors.
const std = @import("std");
const linux = std.os.linux;
const answer = @import("system_call.zig").answer;

fn pack(ends: [2]i32) u64 {
    return @as(u64, @as(u32, @bitCast(ends[1]))) << 32 | @as(u32, @bitCast(ends[0]));
}

pub fn makePipe(cloexec: i32, nonblocking: i32) callconv(.c) u64 {
    var ends: [2]i32 = @splat(-1);
    _ = linux.pipe2(&ends, .{ .CLOEXEC = cloexec != 0, .NONBLOCK = nonblocking != 0 });
    return pack(ends);
}

pub fn makeSocketpair() callconv(.c) u64 {
    var ends: [2]i32 = @splat(-1);
    _ = linux.socketpair(
        linux.AF.UNIX,
        linux.SOCK.STREAM | linux.SOCK.CLOEXEC | linux.SOCK.NONBLOCK,
        0,
        &ends,
    );
    return pack(ends);
}

pub fn makeEventfd() callconv(.c) i32 {
    return answer(linux.eventfd(0, linux.EFD.CLOEXEC | linux.EFD.NONBLOCK));
}

pub fn descriptorLimit(limit: u32) callconv(.c) u32 {
    var limits: linux.rlimit = undefined;
    _ = linux.getrlimit(.NOFILE, &limits);
    const before = limits.cur;
    limits.cur = limit;
    _ = linux.setrlimit(.NOFILE, &limits);
    return @intCast(before);
}

pub fn duplicateFd(fd: i32) callconv(.c) i32 {
    return answer(linux.fcntl(fd, linux.F.DUPFD_CLOEXEC, 0));
}

pub fn replaceFd(fd: i32, target: i32) callconv(.c) i32 {
    return answer(linux.dup2(fd, target));
}

pub fn closeFd(fd: i32) callconv(.c) i32 {
    return answer(linux.close(fd));
}

pub fn fdFlags(fd: i32) callconv(.c) i32 {
    const descriptor = answer(linux.fcntl(fd, linux.F.GETFD, 0));
    if (descriptor < 0) return -1;
    const status: linux.O = @bitCast(@as(u32, @truncate(linux.fcntl(fd, linux.F.GETFL, 0))));
    return (descriptor & 1) | @as(i32, if (status.NONBLOCK) 2 else 0);
}

pub fn readable(fd: i32, timeout_ms: i32) callconv(.c) i32 {
    var fds = [_]linux.pollfd{.{ .fd = fd, .events = linux.POLL.IN, .revents = 0 }};
    const result = answer(linux.poll(&fds, 1, timeout_ms));
    if (result <= 0) return result;
    return if (fds[0].revents & linux.POLL.IN != 0) 1 else -1;
}

pub fn readFd(fd: i32) callconv(.c) i32 {
    var buffer: [4096]u8 = undefined;
    return answer(linux.read(fd, &buffer, buffer.len));
}

pub fn writeFd(fd: i32) callconv(.c) i32 {
    return answer(linux.write(fd, "!", 1));
}

pub fn fill(fd: i32) callconv(.c) i32 {
    // An eventfd takes eight bytes, and is full one below its highest value.
    const almost: u64 = std.math.maxInt(u64) - 1;
    if (linux.errno(linux.write(fd, std.mem.asBytes(&almost), 1)) == .INVAL) {
        return answer(linux.write(fd, std.mem.asBytes(&almost), 8));
    }
    var bytes: i32 = 1;
    const block: [4096]u8 = @splat(0);
    for ([_]usize{ block.len, 1 }) |size| {
        while (true) {
            const written = answer(linux.write(fd, &block, size));
            if (written <= 0) break;
            bytes += written;
        }
    }
    return bytes;
}
