//! The modules of the process: N-API is a part of the host's, and the library itself may be there
//! more than once.
const std = @import("std");
const api = @import("windows_api.zig");
const invariant = @import("../invariant.zig").invariant;
const platform = @import("../platform.zig");

/// A function of the host. It is looked for once: an import would name one file, and hosts differ.
pub fn find(comptime name: [:0]const u8, comptime F: type) *const F {
    const Found = struct {
        // Makes this struct another one for each name.
        const of = name;
        var address: std.atomic.Value(usize) = .init(0);
    };
    var address = Found.address.load(.monotonic);
    if (address == 0) {
        address = addressOf(Found.of);
        Found.address.store(address, .monotonic);
    }
    return @ptrFromInt(address);
}

const utf16 = std.unicode.utf8ToUtf16LeStringLiteral;

fn addressOf(name: [*:0]const u8) usize {
    const modules = [_]?[*:0]const u16{ null, utf16("node.dll"), utf16("libnode.dll") };
    for (modules) |file| {
        const module = api.GetModuleHandleW(file) orelse continue;
        if (api.GetProcAddress(module, name)) |address| return @intFromPtr(address);
    }
    // The caller would jump to address 0.
    invariant(false);
    unreachable;
}

extern const __ImageBase: u8;

const FROM_ADDRESS = 4;
const PIN = 1;

/// A function of the copy of this library that the process loaded first, null if that is this one.
/// All threads must use one copy, and each may have loaded another file: the name that the linker
/// has put into the file tells which modules are copies.
///
/// That copy stays loaded from here on.
pub fn findInFirst(comptime name: [:0]const u8) ?*const anyopaque {
    const own: api.HMODULE = @ptrCast(@constCast(&__ImageBase));
    const first = firstCopy(own);
    var pinned: api.HMODULE = undefined;
    _ = api.GetModuleHandleExW(FROM_ADDRESS | PIN, first, &pinned);
    return if (first == own) null else api.GetProcAddress(first, name);
}

fn firstCopy(own: api.HMODULE) api.HMODULE {
    const own_name = nameOf(own) orelse return own;
    const modules = allModules() orelse return own;
    defer _ = api.VirtualFree(@ptrCast(modules.ptr), 0, MEM_RELEASE);
    for (modules) |module| {
        if (module == own) break;
        // Another thread may be about to unload it.
        var held: api.HMODULE = undefined;
        if (api.GetModuleHandleExW(FROM_ADDRESS, module, &held) == 0) continue;
        defer _ = api.FreeLibrary(held);
        const name = nameOf(held) orelse continue;
        if (std.mem.orderZ(u8, name, own_name) == .eq) return module;
    }
    return own;
}

const MEM_RELEASE = 0x8000;

/// In the order in which they were loaded. null: no memory is left. The caller frees it.
fn allModules() ?[]api.HMODULE {
    const process = api.GetCurrentProcess();
    var room: u32 = 4096;
    while (true) {
        const memory = platform.map(room) orelse return null;
        const modules: [*]api.HMODULE = @ptrCast(memory);
        var bytes: u32 = 0;
        const done = api.K32EnumProcessModules(process, modules, room, &bytes) != 0;
        if (done and bytes <= room) return modules[0 .. bytes / @sizeOf(api.HMODULE)];
        _ = api.VirtualFree(memory, 0, MEM_RELEASE);
        if (!done) return null;
        // More may come meanwhile.
        room = bytes * 2;
    }
}

/// The name in the table of what the module exports.
fn nameOf(module: api.HMODULE) ?[*:0]const u8 {
    const base: [*]const u8 = @ptrCast(module);
    const headers = wordAt(base, 0x3c);
    // The first entry of the directory, in a file for 64 bits.
    const exports = wordAt(base, headers + 24 + 112);
    if (exports == 0) return null;
    const name = wordAt(base, exports + 12);
    return @ptrCast(base + name);
}

fn wordAt(base: [*]const u8, offset: u32) u32 {
    return std.mem.readInt(u32, base[offset..][0..4], .little);
}

/// The path of the file that this library was loaded from. Returns its length, 0 if there is no
/// room for it.
pub fn path(buffer: []u16) u32 {
    const length = api.GetModuleFileNameW(
        @ptrCast(@constCast(&__ImageBase)),
        buffer.ptr,
        @intCast(buffer.len),
    );
    return if (length < buffer.len) length else 0;
}
