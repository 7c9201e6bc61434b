//! What JavaScript does with the native library, step by step: src/delivery/, and what interrupt.ts
//! says to it. Each function names its TypeScript and has its steps in the same order: when one
//! side changes, so must the other.
const std = @import("std");
const linux = std.os.linux;
const library = @import("async_interrupt");
const fail = @import("watchdog.zig").fail;
const system = @import("system.zig");

/// Of ffi/symbols.ts, from the same table.
fn constant(comptime name: []const u8) comptime_int {
    for (library.constants) |entry| if (std.mem.eql(u8, entry[0], name)) return entry[1];
    @compileError("no constant " ++ name);
}

const ATTENTION = constant("ATTENTION");
const LIST = constant("LIST");
const NEEDS_SCAN = constant("NEEDS_SCAN");
const WAKE_FAILURE = constant("WAKE_FAILURE");
const PIPE_FAILURE = constant("PIPE_FAILURE");
const WAKE_SENT = constant("WAKE_SENT");
const PENDING = constant("PENDING");
const BLOCKED = constant("BLOCKED");
const NEXT = constant("NEXT");
const LISTED = constant("LISTED");
const FLAG_WAKE = constant("FLAG_WAKE");
const FLAG_PIPE = constant("FLAG_PIPE");
const FLAG_PIPE_LAST = constant("FLAG_PIPE_LAST");
const CHAIN = constant("CHAIN");
const HYSTERESIS = constant("HYSTERESIS");

/// record.ts: how often in a row a callback runs at most.
const MAX_RUNS_IN_A_ROW = 16;

/// errors.ts
pub fn checked(status: i32, comptime what: []const u8) u32 {
    if (status < 0) fail(what ++ ": status {d}", .{status});
    return @intCast(status);
}

/// ffi/native_memory.ts
const NativeMemory = struct {
    view: [*]i32,

    fn at(address: u64) NativeMemory {
        return .{ .view = @ptrFromInt(address) };
    }
    fn load(memory: NativeMemory, index: usize) i32 {
        return @atomicLoad(i32, &memory.view[index], .seq_cst);
    }
    fn exchange(memory: NativeMemory, index: usize, value: i32) i32 {
        return @atomicRmw(i32, &memory.view[index], .Xchg, value, .seq_cst);
    }
    fn bitAnd(memory: NativeMemory, index: usize, value: i32) void {
        _ = @atomicRmw(i32, &memory.view[index], .And, value, .seq_cst);
    }
    fn bitOr(memory: NativeMemory, index: usize, value: i32) void {
        _ = @atomicRmw(i32, &memory.view[index], .Or, value, .seq_cst);
    }
    /// Plain, so that ThreadSanitizer judges what JavaScript reads plainly.
    fn get(memory: NativeMemory, index: usize) i32 {
        return memory.view[index];
    }
    fn set(memory: NativeMemory, index: usize, value: i32) void {
        memory.view[index] = value;
    }
    /// A plain read that races on purpose: defined in JavaScript, and in Zig only if it is atomic.
    fn peek(memory: NativeMemory, index: usize) i32 {
        return @atomicLoad(i32, &memory.view[index], .monotonic);
    }
};

pub const Runtime = enum {
    /// Reads the socket, and leaves it open when its Worker is terminated.
    deno,
    /// Reads the socket and closes it.
    bun,
    /// Gives a function: uv_async_send.
    node,
};

pub const Thrown = error{Thrown};

/// agent.ts
pub const Agent = struct {
    id: u32,
    runtime: Runtime,
    allocator: std.mem.Allocator,
    memory: NativeMemory,
    records: std.AutoHashMapUnmanaged(u32, *InterruptRecord) = .empty,
    queue: std.ArrayList(*InterruptRecord) = .empty,
    random: std.Random,
    wake_fd: i32 = -1,

    /// constructor
    pub fn open(runtime: Runtime, allocator: std.mem.Allocator, random: std.Random) Agent {
        const id = checked(library.realm.open(), "agent_open");
        return .{
            .id = id,
            .runtime = runtime,
            .allocator = allocator,
            .random = random,
            .memory = .at(library.agent.address(id)),
        };
    }

    /// Between two steps anything may hold JavaScript up: its collector, the kernel.
    fn pause(agent: *Agent) void {
        if (agent.random.int(u6) == 0) std.Thread.yield() catch {};
    }

    /// openWake, of ffi/deno.ts, ffi/bun.ts and zig-src/uv_wake.zig
    fn openWake(agent: *Agent) void {
        if (agent.wake_fd >= 0) return;
        if (agent.runtime == .node) {
            agent.wake_fd = @intCast(linux.eventfd(0, linux.EFD.CLOEXEC | linux.EFD.NONBLOCK));
            // An address, as the library has it; the descriptor may be 0.
            library.agent.setWakeFunction(
                agent.id,
                sendWake,
                @ptrFromInt(@as(usize, @intCast(agent.wake_fd)) + 1),
            );
        } else {
            const forgets = @intFromBool(agent.runtime == .deno);
            agent.wake_fd = @intCast(checked(
                library.agent.openWakeSocket(agent.id, forgets),
                "agent_wake_socket",
            ));
        }
    }

    fn sendWake(argument: *anyopaque) callconv(.c) c_int {
        const one: u64 = 1;
        _ = linux.write(@intCast(@intFromPtr(argument) - 1), std.mem.asBytes(&one), 8);
        return 0;
    }

    /// checkpoint
    pub fn checkpoint(agent: *Agent) Thrown!void {
        if (agent.memory.peek(ATTENTION) == 0) return;
        agent.memory.bitAnd(ATTENTION, WAKE_SENT);
        agent.pause();
        try agent.scan();
    }

    /// The runtime's part: it waits for the wake, drains it, and calls.
    pub fn loop(agent: *Agent, timeout_ns: u32) void {
        if (!system.poll(agent.wake_fd, timeout_ns)) return;
        var buffer: [512]u8 = undefined;
        while (true) {
            const result = linux.read(agent.wake_fd, &buffer, buffer.len);
            if (linux.errno(result) == .AGAIN) break;
        }
        agent.pause();
        agent.turn();
    }

    /// #onWake
    fn turn(agent: *Agent) void {
        _ = agent.memory.exchange(ATTENTION, 0);
        agent.pause();
        // No caller to throw to.
        agent.scan() catch {};
    }

    /// #scan
    fn scan(agent: *Agent) Thrown!void {
        agent.takeList();
        var first: Thrown!void = {};
        while (agent.queue.pop()) |record| {
            if (agent.queue.items.len > 0) agent.memory.bitOr(ATTENTION, NEEDS_SCAN);
            agent.pause();
            record.deliver() catch |thrown| {
                first = thrown;
            };
        }
        // Of #reportFailures: here nothing fails.
        for ([_]usize{ WAKE_FAILURE, PIPE_FAILURE }) |word| {
            const status = agent.memory.peek(word);
            if (status != 0) fail("agent {d} failed with status {d}", .{ agent.id, status });
        }
        return first;
    }

    /// #takeList
    fn takeList(agent: *Agent) void {
        var slot: u32 = @bitCast(agent.memory.exchange(LIST, 0));
        while (slot != 0) {
            const record = agent.records.get(slot) orelse fail(
                "agent {d} has slot {d} on its list, but not in its records",
                .{ agent.id, slot },
            );
            agent.queue.append(agent.allocator, record) catch @panic("no memory");
            slot = record.unlist();
        }
    }

    /// The realm ends, with records open or without: what the runtime does before its thread is
    /// gone. The rest does the library, when it is.
    pub fn end(agent: *Agent) void {
        if (agent.wake_fd < 0) return;
        switch (agent.runtime) {
            .deno => {},
            .bun => _ = linux.close(agent.wake_fd),
            // onCleanup and onClosed of zig-src/uv_wake.zig
            .node => {
                library.realm.close(agent.id);
                _ = linux.close(agent.wake_fd);
                library.agent.releaseWakeFunction(agent.id);
            },
        }
    }

    /// Nothing is listed, and no wake is on its way.
    pub fn isIdle(agent: *Agent) bool {
        return agent.memory.load(LIST) == 0 and agent.memory.load(ATTENTION) == 0;
    }
};

/// record.ts, and of interrupt.ts what it says to the record.
pub const InterruptRecord = struct {
    slot: u32,
    token: u64,
    memory: NativeMemory,
    rearms: bool = false,
    pipe_flag: u32 = 0,
    drain_due: bool = false,
    drains_once: bool = false,
    closed: bool = false,
    agent: *Agent,
    handler: *const fn (*InterruptRecord, i32) Thrown!void,
    running: bool = false,
    retired: bool = false,

    wake: bool,
    awaited: bool = false,
    chain: bool = false,
    hysteresis: bool = false,
    pipe: ?u32 = null,
    owns_pipe: bool = false,
    pipe_enabled: bool = true,
    pipe_autodrain: bool = true,

    /// constructor
    pub fn open(
        record: *InterruptRecord,
        agent: *Agent,
        wake: bool,
        handler: *const fn (*InterruptRecord, i32) Thrown!void,
    ) void {
        if (wake) agent.openWake();
        const slot = library.record.open(agent.id, if (wake) FLAG_WAKE else 0) orelse
            fail("record_open: no slot", .{});
        record.* = .{
            .slot = slot,
            .token = library.record.token(slot),
            .memory = .at(library.record.address(slot)),
            .agent = agent,
            .handler = handler,
            .wake = wake,
        };
        agent.records.put(agent.allocator, slot, record) catch @panic("no memory");
    }

    /// get pending
    pub fn pending(record: *InterruptRecord) i32 {
        return if (record.closed) 0 else record.memory.load(PENDING);
    }

    /// get blocked
    pub fn blocked(record: *InterruptRecord) i32 {
        return record.memory.get(BLOCKED);
    }

    /// block
    pub fn block(record: *InterruptRecord) void {
        record.memory.set(BLOCKED, record.blocked() + 1);
    }

    /// unblock
    pub fn unblock(record: *InterruptRecord) Thrown!void {
        const depth = record.blocked() - 1;
        record.memory.set(BLOCKED, depth);
        if (depth == 0 and record.pending() != 0) try record.deliver();
    }

    /// unlist
    fn unlist(record: *InterruptRecord) u32 {
        const next = record.memory.get(NEXT);
        record.agent.pause();
        _ = record.memory.exchange(LISTED, 0);
        return @bitCast(next);
    }

    /// signal
    pub fn signal(record: *InterruptRecord, value: i32) Thrown!void {
        const held = record.running or record.blocked() > 0;
        const before = record.memory.exchange(PENDING, value);
        record.agent.pause();
        if (before == 0 and record.pipe_flag != 0 and (held or !record.drains())) record.notify();
        if (!held) try record.deliver();
    }

    /// notify
    fn notify(record: *InterruptRecord) void {
        if (!record.retired) library.record.renotify(record.slot);
    }

    /// deliver
    pub fn deliver(record: *InterruptRecord) Thrown!void {
        record.drain_due = record.drains();
        if (record.running) return;
        var runs: u32 = 0;
        while (!record.closed) {
            if (record.memory.peek(PENDING) == 0) {
                if (!record.drain_due) return;
                record.agent.pause();
                record.drain();
            } else if (record.memory.get(BLOCKED) != 0) {
                return;
            } else if (runs == MAX_RUNS_IN_A_ROW) {
                record.notify();
                return;
            } else {
                runs += 1;
                try record.handle_();
            }
        }
    }

    /// Its signals write to the pipe, and handling drains it.
    pub fn autodrains(record: *InterruptRecord) bool {
        return record.pipe_flag == FLAG_PIPE;
    }

    /// get #drains
    fn drains(record: *InterruptRecord) bool {
        return record.autodrains() or record.drains_once;
    }

    /// #drain
    fn drain(record: *InterruptRecord) void {
        record.drain_due = false;
        record.drains_once = false;
        record.drainPipe();
        record.refillPipe(record.blocked() > 0);
    }

    /// refillPipe
    fn refillPipe(record: *InterruptRecord, waits: bool) void {
        var others = record.agent.records.valueIterator();
        while (others.next()) |entry| {
            const other = entry.*;
            if (other.pipe == null or other.pipe.? != record.pipe.?) continue;
            if ((other == record and !waits) or other.pending() == 0) continue;
            other.notify();
            if (other.pipe_flag != 0 and !other.retired) return;
        }
    }

    /// drainPipe
    fn drainPipe(record: *InterruptRecord) void {
        library.event_pipe.drain(library.event_pipe.token(record.pipe.?));
        record.agent.pause();
    }

    /// #handle
    fn handle_(record: *InterruptRecord) Thrown!void {
        if (record.drains()) record.drain();
        record.agent.pause();
        const value = record.memory.exchange(PENDING, 0);
        record.agent.pause();
        if (record.rearms) _ = checked(library.subscription.rearm(record.slot), "record_rearm");
        record.running = true;
        errdefer if (record.pending() != 0 or record.drain_due) record.notify();
        // Runs before the errdefer.
        defer record.running = false;
        try record.handler(record, value);
    }

    /// close, then that of interrupt.ts
    pub fn close(record: *InterruptRecord) void {
        if (record.retired) return;
        record.retired = true;
        library.subscription.retire(record.slot);
        record.agent.pause();
        // Nobody to throw to.
        if (!record.running and record.pending() != 0) {
            record.handle_() catch {};
        } else if (record.drains()) {
            record.drain();
        }
        record.closed = true;
        _ = record.agent.records.remove(record.slot);
        library.record.release(record.slot);
        if (record.owns_pipe) library.event_pipe.close(record.pipe.?);
    }

    /// interrupt.ts: constructor, options.signal
    pub fn hook(record: *InterruptRecord, number: u32, chain: bool, hysteresis: bool) void {
        record.chain = chain;
        record.hysteresis = hysteresis;
        _ = checked(library.subscription.hook(record.slot, number, record.hookOptions()), "record_hook");
        record.update();
    }

    /// interrupt.ts: #hookOptions
    fn hookOptions(record: *InterruptRecord) u32 {
        return @as(u32, if (record.chain) CHAIN else 0) | @as(
            u32,
            if (record.hysteresis) HYSTERESIS else 0,
        );
    }

    /// interrupt.ts: set signalHysteresis
    pub fn setHysteresis(record: *InterruptRecord, on: bool) void {
        record.hysteresis = on;
        _ = checked(
            library.subscription.setOptions(record.slot, record.hookOptions()),
            "record_hook_options",
        );
        record.update();
    }

    /// interrupt.ts: #usePipe
    pub fn usePipe(record: *InterruptRecord, pipe: u32, owned: bool) void {
        record.pipe = pipe;
        record.owns_pipe = owned;
        library.record.setPipe(record.slot, library.event_pipe.token(pipe));
        record.update();
    }

    /// interrupt.ts: #setPipeEnabled
    pub fn setPipeEnabled(record: *InterruptRecord, on: bool) void {
        record.pipe_enabled = on;
        record.update();
    }

    /// interrupt.ts: set pipeAutodrain
    pub fn setPipeAutodrain(record: *InterruptRecord, on: bool) void {
        record.pipe_autodrain = on;
        record.update();
    }

    /// interrupt.ts: postFork
    pub fn postFork(record: *InterruptRecord) void {
        const pipe = record.pipe orelse return;
        _ = checked(library.event_pipe.renew(pipe), "pipe_renew");
        record.agent.pause();
        record.refillPipe(true);
    }

    /// setPipe
    fn setPipe(record: *InterruptRecord, writes: bool, drained: bool) void {
        const before = record.pipe_flag;
        record.pipe_flag = if (!writes) 0 else if (drained) FLAG_PIPE else FLAG_PIPE_LAST;
        if (record.pipe_flag == before) return;
        if (record.pipe_flag != 0) library.record.setFlag(record.slot, record.pipe_flag, 1);
        record.agent.pause();
        if (before != 0) library.record.setFlag(record.slot, before, 0);
        record.drains_once = before == FLAG_PIPE and record.pipe_flag == 0;
        if (record.pipe_flag == FLAG_PIPE) {
            record.drainPipe();
            record.refillPipe(true);
        }
    }

    /// interrupt.ts: #updateRecord
    fn update(record: *InterruptRecord) void {
        record.setPipe(record.pipe != null and record.pipe_enabled, record.pipe_autodrain);
        record.rearms = record.hysteresis;
    }

    /// listeners.ts: #await
    pub fn wait(record: *InterruptRecord) void {
        record.agent.openWake();
        record.awaited = true;
        if (!record.wake) {
            library.record.setFlag(record.slot, FLAG_WAKE, 1);
            record.agent.pause();
            if (record.pending() != 0) record.notify();
        }
    }

    /// listeners.ts: #rest
    pub fn stopWaiting(record: *InterruptRecord) void {
        record.awaited = false;
        if (!record.wake) library.record.setFlag(record.slot, FLAG_WAKE, 0);
    }

    /// A signal wakes the loop.
    pub fn wakes(record: *InterruptRecord) bool {
        return record.wake or record.awaited;
    }
};
