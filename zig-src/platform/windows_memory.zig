//! The functions that the compiler calls by itself. On Linux they are the host's libc's; here there
//! is none to link, and Zig's own would be more than half of the library. Few bytes are copied, and
//! none where it has to be fast.

comptime {
    @export(&copy, .{ .name = "memcpy" });
    @export(&set, .{ .name = "memset" });
    @export(&lengthOf, .{ .name = "strlen" });
}

fn copy(noalias to: [*]u8, noalias from: [*]const u8, count: usize) callconv(.c) [*]u8 {
    for (0..count) |index| {
        to[index] = from[index];
        keepLoop();
    }
    return to;
}

fn set(to: [*]u8, byte: i32, count: usize) callconv(.c) [*]u8 {
    for (0..count) |index| {
        to[index] = @truncate(@as(u32, @bitCast(byte)));
        keepLoop();
    }
    return to;
}

fn lengthOf(text: [*:0]const u8) callconv(.c) usize {
    var length: usize = 0;
    while (text[length] != 0) : (length += 1) keepLoop();
    return length;
}

/// Keeps the compiler from making the loop a call of the very function that it is in.
inline fn keepLoop() void {
    asm volatile ("" ::: .{ .memory = true });
}
