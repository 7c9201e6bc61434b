//! What a signal handler really does: `tracer PID THREAD SIGNAL` sends the signal to a thread and
//! executes its handler one instruction at a time, up to rt_sigreturn(2). Prints JSON: `stack`, how
//! many bytes below the kernel's frame it used; `calls`, the numbers of its system calls; `firsts`,
//! the first argument of each; `entered`, where it went in other objects than the one it began in:
//! the first address and the object's file, for each step from one object into another that is no
//! return.
//!
//! `tracer PID THREAD SIGNAL hold` stops the thread in the handler, where it has just woken an
//! event loop by write(2) or sendto(2), prints "held", and lets it go on at the end of its stdin.
//!
//! `tracer PID THREAD 0` only tries whether it may. Exits with 77 if not.
const std = @import("std");
const linux = std.os.linux;
const PTRACE = linux.PTRACE;

/// struct user_regs_struct of x86-64.
const Registers = extern struct {
    saved: [10]u64,
    rax: u64,
    others: [3]u64,
    rdi: u64,
    orig_rax: u64,
    rip: u64,
    cs: u64,
    eflags: u64,
    rsp: u64,
    rest: [7]u64,
};

/// Bytes below rsp that a leaf function may use.
const red_zone = 128;

const not_permitted = 77;

pub fn main(init: std.process.Init) !void {
    var arguments = init.minimal.args.iterate();
    _ = arguments.next();
    const process = try std.fmt.parseInt(i32, arguments.next().?, 10);
    const thread = try std.fmt.parseInt(i32, arguments.next().?, 10);
    const signal = try std.fmt.parseInt(u8, arguments.next().?, 10);
    const holds = arguments.next() != null;

    if (linux.errno(linux.ptrace(PTRACE.SEIZE, thread, 0, 0, 0)) != .SUCCESS) {
        std.process.exit(not_permitted);
    }
    if (signal == 0) return;
    _ = linux.tgkill(process, thread, @fromBackingInt(signal));
    // Other signals may arrive first.
    while (true) {
        const arrived = try stopOf(thread);
        if (arrived == signal) break;
        try request(PTRACE.CONT, thread, arrived);
    }
    try request(PTRACE.SINGLESTEP, thread, signal);

    const gpa = init.arena.allocator();
    var tracee: Tracee = .{ .gpa = gpa, .process = process };
    var calls: std.ArrayList(u64) = .empty;
    var firsts: std.ArrayList(u64) = .empty;
    var entered: std.ArrayList(u64) = .empty;
    var first: ?Registers = null;
    var lowest: u64 = std.math.maxInt(u64);
    var object: []const u8 = "";
    var is_return = false;
    while (true) {
        // Everything but faults is masked in the handler.
        if (try stopOf(thread) != @backingInt(linux.SIG.TRAP)) return error.Fault;
        var registers: Registers = undefined;
        try request(PTRACE.GETREGS, thread, @intFromPtr(&registers));
        lowest = @min(lowest, registers.rsp);
        if (first == null) {
            first = registers;
            object = try tracee.objectAt(registers.rip);
        }
        const now = try tracee.objectAt(registers.rip);
        if (!std.mem.eql(u8, now, object) and !is_return) try entered.append(gpa, registers.rip);
        object = now;
        var code: u64 = undefined;
        try request3(PTRACE.PEEKTEXT, thread, registers.rip, @intFromPtr(&code));
        const syscall = 0x050f;
        if (@as(u16, @truncate(code)) == syscall) {
            if (holds and isWrite(registers.rax)) return hold(thread);
            if (registers.rax == @backingInt(linux.SYS.rt_sigreturn)) break;
            try calls.append(gpa, registers.rax);
            try firsts.append(gpa, registers.rdi);
        }
        is_return = isReturn(code);
        try request(PTRACE.SINGLESTEP, thread, 0);
    }
    // The kernel resumes what the signal interrupted.
    try request(PTRACE.DETACH, thread, 0);

    var text: std.ArrayList(u8) = .empty;
    try text.print(gpa, "{{\"stack\":{d},\"calls\":[", .{first.?.rsp - lowest + red_zone});
    for (calls.items, 0..) |number, index| {
        try text.print(gpa, "{s}{d}", .{ separator(index), number });
    }
    try text.print(gpa, "],\"firsts\":[", .{});
    for (firsts.items, 0..) |first_argument, index| {
        try text.print(gpa, "{s}{d}", .{ separator(index), first_argument });
    }
    try text.print(gpa, "],\"entered\":[", .{});
    for (entered.items, 0..) |address, index| {
        try text.print(
            gpa,
            "{s}[\"{d}\",\"{s}\"]",
            .{ separator(index), address, try tracee.objectAt(address) },
        );
    }
    try text.print(gpa, "]}}\n", .{});
    _ = linux.write(1, text.items.ptr, text.items.len);
}

fn isWrite(number: u64) bool {
    return number == @backingInt(linux.SYS.write) or number == @backingInt(linux.SYS.sendto);
}

fn hold(thread: i32) !void {
    try request(PTRACE.SINGLESTEP, thread, 0);
    _ = try stopOf(thread);
    const held = "held\n";
    _ = linux.write(1, held, held.len);
    var byte: [1]u8 = undefined;
    while (linux.read(0, &byte, 1) == 1) {}
    try request(PTRACE.DETACH, thread, 0);
}

fn separator(index: usize) []const u8 {
    return if (index == 0) "" else ",";
}

/// ret, with its prefixes and operand.
fn isReturn(code: u64) bool {
    const bytes = std.mem.asBytes(&code);
    return switch (bytes[0]) {
        0xc3, 0xc2 => true,
        0xf2, 0xf3 => bytes[1] == 0xc3,
        else => false,
    };
}

fn request(what: u32, thread: i32, data: usize) !void {
    return request3(what, thread, 0, data);
}

fn request3(what: u32, thread: i32, address: usize, data: usize) !void {
    if (linux.errno(linux.ptrace(what, thread, address, data, 0)) != .SUCCESS) return error.Ptrace;
}

/// The signal that it stops for.
fn stopOf(thread: i32) !u8 {
    const all = 0x40000000; // __WALL
    while (true) {
        var status: i32 = 0;
        const result = linux.waitpid(thread, &status, all);
        switch (linux.errno(result)) {
            .SUCCESS => {},
            .INTR => continue,
            else => return error.Wait,
        }
        const stopped: u32 = @bitCast(status);
        if (!linux.W.IFSTOPPED(stopped)) return error.Ended;
        return linux.W.EXITSTATUS(stopped);
    }
}

const Tracee = struct {
    gpa: std.mem.Allocator,
    process: i32,
    maps: std.ArrayList(u8) = .empty,
    /// The mapping that objectAt() found last.
    start: u64 = 1,
    end: u64 = 0,
    object: []const u8 = "",

    /// The file that is mapped there, by /proc/PID/maps.
    fn objectAt(tracee: *Tracee, address: u64) ![]const u8 {
        if (address >= tracee.start and address < tracee.end) return tracee.object;
        if (tracee.maps.items.len == 0) try tracee.readMaps();
        var lines = std.mem.tokenizeScalar(u8, tracee.maps.items, '\n');
        while (lines.next()) |line| {
            var fields = std.mem.tokenizeScalar(u8, line, ' ');
            var range = std.mem.splitScalar(u8, fields.next().?, '-');
            const start = try std.fmt.parseInt(u64, range.first(), 16);
            const end = try std.fmt.parseInt(u64, range.rest(), 16);
            if (address < start or address >= end) continue;
            for (0..4) |_| _ = fields.next();
            tracee.start = start;
            tracee.end = end;
            tracee.object = fields.rest();
            return tracee.object;
        }
        return error.NoCode;
    }

    /// Without std.Io, which believes the size that the kernel gives for this file: 0.
    fn readMaps(tracee: *Tracee) !void {
        var path: [32]u8 = undefined;
        const name = try std.fmt.bufPrintSentinel(&path, "/proc/{d}/maps", .{tracee.process}, 0);
        const fd: i32 = @intCast(linux.open(name, .{}, 0));
        while (true) {
            const free = try tracee.maps.addManyAsSlice(tracee.gpa, 4096);
            const got = linux.read(fd, free.ptr, free.len);
            if (linux.errno(got) != .SUCCESS) return error.NoMaps;
            tracee.maps.shrinkRetainingCapacity(tracee.maps.items.len - free.len + got);
            if (got == 0) return;
        }
    }
};
