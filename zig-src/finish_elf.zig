//! The last step of the link, for what std.Build has no option for: `finish_elf IN OUT`.
//!
//! - DF_1_NODELETE: a signal handler may point into the library, and Node closes an addon with the
//! Worker that opened it.
//! - No section headers: the dynamic linker reads segments only, and they are a fifteenth of the
//! file.
const std = @import("std");
const elf = std.elf;

pub fn main(init: std.process.Init) !void {
    var arguments = init.minimal.args.iterate();
    _ = arguments.next();
    const in = arguments.next().?;
    const out = arguments.next().?;
    const cwd = std.Io.Dir.cwd();
    const file = try cwd.readFileAllocOptions(
        init.io,
        in,
        init.gpa,
        .limited(1 << 24),
        .of(elf.Elf64.Ehdr),
        null,
    );
    defer init.gpa.free(file);

    const header = std.mem.bytesAsValue(elf.Elf64.Ehdr, file[0..@sizeOf(elf.Elf64.Ehdr)]);
    const programs = std.mem.bytesAsSlice(
        elf.Elf64.Phdr,
        file[header.phoff..][0 .. header.phnum * @sizeOf(elf.Elf64.Phdr)],
    );
    var end: u64 = 0;
    var pinned = false;
    for (programs) |program| {
        if (program.type == .LOAD) end = @max(end, program.offset + program.filesz);
        if (program.type != .DYNAMIC) continue;
        const dynamic = file[program.offset..][0..program.filesz];
        for (std.mem.bytesAsSlice(elf.Elf64_Dyn, dynamic)) |*entry| {
            // The host has a libc; which one, is not ours to say.
            if (entry.d_tag == elf.DT_NEEDED) return error.NeedsLibrary;
            if (entry.d_tag != elf.DT_FLAGS_1) continue;
            entry.d_val |= elf.DF_1_NODELETE;
            pinned = true;
        }
    }
    if (!pinned) return error.NoDynamicFlags;
    header.shoff = 0;
    header.shnum = 0;
    header.shstrndx = 0;
    try cwd.writeFile(init.io, .{ .sub_path = out, .data = file[0..end] });
}
