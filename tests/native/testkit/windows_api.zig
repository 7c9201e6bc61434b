//! The functions of Windows that the testkit calls.
pub const HANDLE = *opaque {};
pub const HMODULE = *opaque {};
pub const WSAPOLLFD = extern struct { fd: usize, events: i16, revents: i16 };

pub extern "kernel32" fn CloseHandle(HANDLE) callconv(.winapi) i32;
pub extern "kernel32" fn CreateThread(
    ?*anyopaque,
    usize,
    *const anyopaque,
    ?*anyopaque,
    u32,
    ?*u32,
) callconv(.winapi) ?HANDLE;
pub extern "kernel32" fn GetCurrentProcessId() callconv(.winapi) u32;
pub extern "kernel32" fn GetCurrentThreadId() callconv(.winapi) u32;
pub extern "kernel32" fn GetModuleHandleW([*:0]const u16) callconv(.winapi) ?HMODULE;
pub extern "kernel32" fn GetProcAddress(HMODULE, [*:0]const u8) callconv(.winapi) ?*const anyopaque;
pub extern "kernel32" fn QueryPerformanceCounter(*u64) callconv(.winapi) i32;
pub extern "kernel32" fn QueryPerformanceFrequency(*u64) callconv(.winapi) i32;
pub extern "kernel32" fn SetConsoleCtrlHandler(
    *const fn (event: u32) callconv(.winapi) i32,
    i32,
) callconv(.winapi) i32;
pub extern "kernel32" fn Sleep(u32) callconv(.winapi) void;
pub extern "kernel32" fn WaitForSingleObject(HANDLE, u32) callconv(.winapi) u32;
pub extern "ws2_32" fn WSAPoll([*]WSAPOLLFD, u32, i32) callconv(.winapi) i32;
pub extern "ws2_32" fn closesocket(usize) callconv(.winapi) i32;
