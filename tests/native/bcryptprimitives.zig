//! bcryptprimitives.dll, which Bun and Deno need and Wine does not have.

extern "advapi32" fn SystemFunction036(buffer: [*]u8, length: u32) callconv(.winapi) u8;

export fn ProcessPrng(buffer: [*]u8, length: usize) callconv(.winapi) i32 {
    return SystemFunction036(buffer, @intCast(length));
}

export fn _DllMainCRTStartup(_: *anyopaque, _: u32, _: *anyopaque) callconv(.winapi) i32 {
    return 1;
}
