//! What loops of other libraries can watch on Windows: sockets, and nothing else. An event pipe is
//! a connection of this process with itself, over 127.0.0.1.
const std = @import("std");
const api = @import("windows_api.zig");
const waits = @import("windows_wait.zig");
const Call = @import("../status.zig").Call;
const Status = @import("../status.zig").Status;

/// The number of a SOCKET, which is a handle: at most 32 bits of it are used.
pub const Fd = i32;

pub const FdKind = enum(i32) { eventfd = 0, pipe = 1, socketpair = 2 };
pub const fallback_kind: FdKind = .socketpair;

fn socketOf(fd: Fd) api.SOCKET {
    return @as(u32, @bitCast(fd));
}

fn lastError() u16 {
    return api.errnoOf(@bitCast(api.WSAGetLastError()));
}

fn failed(call: Call) i32 {
    const WSAENOTSOCK = api.socket_errors + 38;
    const errno = lastError();
    return if (errno == WSAENOTSOCK) Status.bad_fd.code() else Status.ofErrno(call, errno);
}

pub fn eventFd(_: *[2]Fd) i32 {
    return Status.unsupported.code();
}

/// No loop can watch a pipe of Windows.
pub fn pipePair(_: *[2]Fd) i32 {
    return Status.unsupported.code();
}

/// Other programs of this machine may connect to the port as well: only the own peer is taken.
pub fn streamPair(ends: *[2]Fd) i32 {
    const started = start();
    if (started < 0) return started;
    const listener = newSocket() orelse return failed(.socket);
    defer _ = api.closesocket(listener);
    // No other program can have the same port then.
    const SOL_SOCKET = 0xffff;
    const SO_EXCLUSIVEADDRUSE = -5;
    const on: i32 = 1;
    if (api.setsockopt(listener, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, &on, @sizeOf(i32)) != 0) {
        return failed(.setsockopt);
    }
    var address: api.sockaddr_in = .{};
    if (api.bind(listener, &address, @sizeOf(api.sockaddr_in)) != 0) return failed(.bind);
    if (!localName(listener, &address)) return failed(.getsockname);
    if (api.listen(listener, 8) != 0) return failed(.listen);
    const writer = newSocket() orelse return failed(.socket);
    const connected = connectTo(listener, &address, writer, ends);
    if (connected < 0) _ = api.closesocket(writer);
    return connected;
}

fn connectTo(
    listener: api.SOCKET,
    address: *const api.sockaddr_in,
    writer: api.SOCKET,
    ends: *[2]Fd,
) i32 {
    // The listener's queue answers, so this does not wait for accept().
    if (api.connect(writer, address, @sizeOf(api.sockaddr_in)) != 0) return failed(.connect);
    var own: api.sockaddr_in = .{};
    if (!localName(writer, &own)) return failed(.getsockname);
    while (true) {
        var peer: api.sockaddr_in = .{};
        var size: i32 = @sizeOf(api.sockaddr_in);
        const reader = api.accept(listener, &peer, &size);
        if (reader == api.INVALID_SOCKET) return failed(.accept);
        if (!isSame(&peer, &own)) {
            _ = api.closesocket(reader);
            continue;
        }
        // Neither end waits, nor gathers bytes before it sends them.
        if (!beNonblocking(reader) or !beNonblocking(writer)) {
            defer _ = api.closesocket(reader);
            return failed(.ioctlsocket);
        }
        const IPPROTO_TCP = 6;
        const TCP_NODELAY = 1;
        const on: i32 = 1;
        _ = api.setsockopt(writer, IPPROTO_TCP, TCP_NODELAY, &on, @sizeOf(i32));
        ends.* = .{ fdOf(reader), fdOf(writer) };
        return 0;
    }
}

fn fdOf(socket: api.SOCKET) Fd {
    return @intCast(socket);
}

var has_started: std.atomic.Value(bool) = .init(false);

fn start() i32 {
    if (has_started.load(.acquire)) return 0;
    var data: api.WSADATA align(8) = undefined;
    const version = 0x0202;
    const code = api.WSAStartup(version, &data);
    if (code != 0) return Status.ofErrno(.WSAStartup, api.errnoOf(@bitCast(code)));
    has_started.store(true, .release);
    return 0;
}

const WSA_FLAG_OVERLAPPED = 1;
const WSA_FLAG_NO_HANDLE_INHERIT = 0x80;

fn newSocket() ?api.SOCKET {
    const AF_INET = 2;
    const SOCK_STREAM = 1;
    const flags = WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT;
    const socket = api.WSASocketW(AF_INET, SOCK_STREAM, 0, null, 0, flags);
    return if (socket == api.INVALID_SOCKET) null else socket;
}

fn localName(socket: api.SOCKET, address: *api.sockaddr_in) bool {
    var size: i32 = @sizeOf(api.sockaddr_in);
    return api.getsockname(socket, address, &size) == 0;
}

fn isSame(a: *const api.sockaddr_in, b: *const api.sockaddr_in) bool {
    const both = [_]u32{ @bitCast(a.address), @bitCast(b.address) };
    return a.family == b.family and a.port == b.port and both[0] == both[1];
}

fn beNonblocking(socket: api.SOCKET) bool {
    const FIONBIO: i32 = @bitCast(@as(u32, 0x8004667e));
    var on: u32 = 1;
    return api.ioctlsocket(socket, FIONBIO, &on) == 0;
}

/// Windows does not tell whether a socket blocks, so it is told not to.
pub fn inspect(read_fd: Fd, write_fd: Fd, kind: *FdKind) i32 {
    const started = start();
    if (started < 0) return started;
    for ([_]Fd{ read_fd, write_fd }) |fd| {
        if (!beNonblocking(socketOf(fd))) return failed(.ioctlsocket);
    }
    kind.* = .socketpair;
    return 0;
}

pub fn duplicate(fd: Fd) i32 {
    var info: api.WSAPROTOCOL_INFOW align(8) = undefined;
    const process = api.GetCurrentProcessId();
    if (api.WSADuplicateSocketW(socketOf(fd), process, &info) != 0) {
        return failed(.WSADuplicateSocket);
    }
    const FROM_PROTOCOL_INFO = -1;
    const flags = WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT;
    const all = FROM_PROTOCOL_INFO;
    const copy = api.WSASocketW(all, all, all, &info, 0, flags);
    return if (copy == api.INVALID_SOCKET) failed(.WSADuplicateSocket) else fdOf(copy);
}

/// Sockets have none.
pub fn inode(_: Fd, number: *u64) i32 {
    number.* = 0;
    return Status.unsupported.code();
}

/// By the two ends of the connection.
pub fn sameFile(a: Fd, b: Fd) i32 {
    var names: [2][2]api.sockaddr_in = undefined;
    for ([_]Fd{ a, b }, &names) |fd, *name| {
        if (!localName(socketOf(fd), &name[0])) return failed(.getsockname);
        var size: i32 = @sizeOf(api.sockaddr_in);
        if (api.getpeername(socketOf(fd), &name[1], &size) != 0) return failed(.getpeername);
    }
    const same = isSame(&names[0][0], &names[1][0]) and isSame(&names[0][1], &names[1][1]);
    return if (same) 0 else Status.bad_fd.code();
}

/// Only for the child of a fork(2), which Windows has not.
pub fn replace(_: Fd, _: Fd) i32 {
    return Status.unsupported.code();
}

const WSAEWOULDBLOCK = 35;
pub const would_block: u16 = api.socket_errors + WSAEWOULDBLOCK;

pub fn write(fd: Fd, _: FdKind) u16 {
    const byte = [_]u8{1};
    return if (api.send(socketOf(fd), &byte, 1, 0) < 0) lastError() else 0;
}

pub fn drain(fd: Fd, _: FdKind) u16 {
    var buffer: [512]u8 = undefined;
    while (true) {
        const got = api.recv(socketOf(fd), &buffer, buffer.len, 0);
        if (got == 0) return 0;
        if (got > 0) continue;
        const errno = lastError();
        return if (errno == would_block) 0 else errno;
    }
}

/// In steps of a millisecond: WSAPoll() knows no smaller ones.
pub fn waitReadable(fd: Fd, timeout_ns: u64) i32 {
    const POLLIN = 0x300;
    const POLLNVAL = 4;
    const deadline = waits.clock() +| timeout_ns;
    while (true) {
        const left = deadline -| waits.clock();
        const ms = std.time.ns_per_ms;
        const milliseconds = left / ms + @intFromBool(left % ms != 0);
        var fds = [_]api.WSAPOLLFD{.{ .fd = socketOf(fd), .events = POLLIN, .revents = 0 }};
        const ready = api.WSAPoll(&fds, 1, @intCast(@min(milliseconds, 1 << 30)));
        if (ready < 0) return failed(.WSAPoll);
        if (fds[0].revents & POLLNVAL != 0) return Status.bad_fd.code();
        if (ready > 0) return 1;
        if (left == 0) return 0;
    }
}

pub fn close(fd: Fd) void {
    _ = api.closesocket(socketOf(fd));
}
