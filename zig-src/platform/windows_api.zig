//! The functions and structs of Windows that are used here, under the names that its own
//! documentation gives them.
const Call = @import("../status.zig").Call;
const Status = @import("../status.zig").Status;

pub const HANDLE = *opaque {};
pub const HMODULE = *opaque {};
pub const BOOL = i32;
pub const INFINITE: u32 = 0xffff_ffff;

pub const ConsoleHandler = fn (event: u32) callconv(.winapi) BOOL;

pub extern "kernel32" fn CloseHandle(HANDLE) callconv(.winapi) BOOL;
pub extern "kernel32" fn CreateEventW(?*anyopaque, BOOL, BOOL, ?[*:0]const u16) callconv(.winapi) ?HANDLE;
pub extern "kernel32" fn CreateThread(
    ?*anyopaque,
    usize,
    *const anyopaque,
    ?*anyopaque,
    u32,
    ?*u32,
) callconv(.winapi) ?HANDLE;
pub extern "kernel32" fn CreateWaitableTimerExW(
    ?*anyopaque,
    ?[*:0]const u16,
    flags: u32,
    access: u32,
) callconv(.winapi) ?HANDLE;
pub extern "kernel32" fn ExitProcess(u32) callconv(.winapi) noreturn;
pub extern "kernel32" fn FlsAlloc(?*const fn (?*anyopaque) callconv(.winapi) void) callconv(.winapi) u32;
pub extern "kernel32" fn FlsSetValue(u32, ?*anyopaque) callconv(.winapi) BOOL;
pub extern "kernel32" fn GetCurrentProcessId() callconv(.winapi) u32;
pub extern "kernel32" fn GetCurrentThread() callconv(.winapi) HANDLE;
pub extern "kernel32" fn GetCurrentThreadId() callconv(.winapi) u32;
pub extern "kernel32" fn GetLastError() callconv(.winapi) u32;
pub extern "kernel32" fn FreeLibrary(HMODULE) callconv(.winapi) BOOL;
pub extern "kernel32" fn GetModuleFileNameW(HMODULE, [*]u16, u32) callconv(.winapi) u32;
pub extern "kernel32" fn GetModuleHandleExW(u32, ?*const anyopaque, *HMODULE) callconv(.winapi) BOOL;
pub extern "kernel32" fn GetModuleHandleW(?[*:0]const u16) callconv(.winapi) ?HMODULE;
pub extern "kernel32" fn GetProcAddress(HMODULE, [*:0]const u8) callconv(.winapi) ?*const anyopaque;
pub extern "kernel32" fn GetCurrentProcess() callconv(.winapi) HANDLE;
pub extern "kernel32" fn K32EnumProcessModules(
    HANDLE,
    [*]HMODULE,
    bytes: u32,
    needed: *u32,
) callconv(.winapi) BOOL;
pub extern "kernel32" fn GetThreadId(HANDLE) callconv(.winapi) u32;
pub extern "kernel32" fn QueryPerformanceCounter(*u64) callconv(.winapi) BOOL;
pub extern "kernel32" fn QueryPerformanceFrequency(*u64) callconv(.winapi) BOOL;
pub extern "kernel32" fn SetConsoleCtrlHandler(?*const ConsoleHandler, BOOL) callconv(.winapi) BOOL;
pub extern "kernel32" fn SetEvent(HANDLE) callconv(.winapi) BOOL;
pub extern "kernel32" fn SetWaitableTimer(
    HANDLE,
    due: *const i64,
    period: i32,
    ?*anyopaque,
    ?*anyopaque,
    BOOL,
) callconv(.winapi) BOOL;
pub extern "kernel32" fn Sleep(u32) callconv(.winapi) void;
pub extern "kernel32" fn SwitchToThread() callconv(.winapi) BOOL;
pub extern "kernel32" fn VirtualAlloc(?*anyopaque, usize, u32, u32) callconv(.winapi) ?[*]u8;
pub extern "kernel32" fn VirtualFree(*const anyopaque, usize, u32) callconv(.winapi) BOOL;
pub extern "kernel32" fn VirtualQuery(
    ?*const anyopaque,
    *MEMORY_BASIC_INFORMATION,
    usize,
) callconv(.winapi) usize;
pub extern "kernel32" fn WaitForMultipleObjects(
    u32,
    [*]const HANDLE,
    all: BOOL,
    milliseconds: u32,
) callconv(.winapi) u32;

pub extern "ntdll" fn NtGetNextThread(
    process: HANDLE,
    after: ?HANDLE,
    access: u32,
    attributes: u32,
    flags: u32,
    *HANDLE,
) callconv(.winapi) i32;
pub extern "ntdll" fn RtlDllShutdownInProgress() callconv(.winapi) u8;

pub const MEMORY_BASIC_INFORMATION = extern struct {
    BaseAddress: ?*anyopaque,
    AllocationBase: ?*anyopaque,
    AllocationProtect: u32,
    PartitionId: u16,
    RegionSize: usize,
    State: u32,
    Protect: u32,
    Type: u32,
};

pub const SOCKET = usize;
pub const INVALID_SOCKET: SOCKET = ~@as(SOCKET, 0);

pub const sockaddr_in = extern struct {
    family: u16 = 2,
    /// In network order, as the address is.
    port: u16 = 0,
    address: [4]u8 = .{ 127, 0, 0, 1 },
    zero: [8]u8 = @splat(0),
};

pub const WSAPOLLFD = extern struct { fd: SOCKET, events: i16, revents: i16 };

/// Larger than the struct of any version.
pub const WSADATA = [512]u8;
pub const WSAPROTOCOL_INFOW = [640]u8;

pub extern "ws2_32" fn WSAStartup(u16, *align(8) WSADATA) callconv(.winapi) i32;
pub extern "ws2_32" fn WSAGetLastError() callconv(.winapi) i32;
pub extern "ws2_32" fn WSASocketW(
    i32,
    i32,
    i32,
    ?*align(8) WSAPROTOCOL_INFOW,
    u32,
    u32,
) callconv(.winapi) SOCKET;
pub extern "ws2_32" fn WSADuplicateSocketW(
    SOCKET,
    u32,
    *align(8) WSAPROTOCOL_INFOW,
) callconv(.winapi) i32;
pub extern "ws2_32" fn WSAPoll([*]WSAPOLLFD, u32, i32) callconv(.winapi) i32;
pub extern "ws2_32" fn accept(SOCKET, ?*sockaddr_in, ?*i32) callconv(.winapi) SOCKET;
pub extern "ws2_32" fn bind(SOCKET, *const sockaddr_in, i32) callconv(.winapi) i32;
pub extern "ws2_32" fn closesocket(SOCKET) callconv(.winapi) i32;
pub extern "ws2_32" fn connect(SOCKET, *const sockaddr_in, i32) callconv(.winapi) i32;
pub extern "ws2_32" fn getpeername(SOCKET, *sockaddr_in, *i32) callconv(.winapi) i32;
pub extern "ws2_32" fn getsockname(SOCKET, *sockaddr_in, *i32) callconv(.winapi) i32;
pub extern "ws2_32" fn getsockopt(SOCKET, i32, i32, *anyopaque, *i32) callconv(.winapi) i32;
pub extern "ws2_32" fn ioctlsocket(SOCKET, i32, *u32) callconv(.winapi) i32;
pub extern "ws2_32" fn listen(SOCKET, i32) callconv(.winapi) i32;
pub extern "ws2_32" fn recv(SOCKET, [*]u8, i32, i32) callconv(.winapi) i32;
pub extern "ws2_32" fn send(SOCKET, [*]const u8, i32, i32) callconv(.winapi) i32;
pub extern "ws2_32" fn setsockopt(SOCKET, i32, i32, *const anyopaque, i32) callconv(.winapi) i32;

/// The status of a call that has just failed on this thread.
pub fn failed(call: Call) i32 {
    return Status.ofErrno(call, errnoOf(GetLastError()));
}

/// The errors of Winsock start at 10000, and a status has room for 4096. Those of the others that
/// are used here are small.
pub fn errnoOf(code: u32) u16 {
    const small = if (code >= 10_000) code - 10_000 + socket_errors else code;
    return @intCast(@min(small, 4095));
}

pub const socket_errors = 2048;
