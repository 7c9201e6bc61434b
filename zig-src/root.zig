//! The native bindings: all that JavaScript can call, and nothing else. To add a function: write it
//! in the file of its subject, add its line here, run `deno task build generate`. (CONTRIBUTING.md
//! has the recipe.)
const builtin = @import("builtin");
const root = @import("root");

pub const agent = @import("agent.zig");
pub const bindings = @import("bindings.zig");
pub const event_pipe = @import("event_pipe.zig");
pub const hook = @import("signal/registry.zig");
const napi = @import("napi.zig");
const native_function = @import("native_function.zig");
pub const platform = @import("platform.zig");
pub const realm = @import("realm.zig");
pub const record = @import("record.zig");
pub const slab = @import("slab.zig");
const sqlite = @import("sqlite.zig");
pub const status = @import("status.zig");
pub const subscription = @import("signal/subscription.zig");
pub const system_call = @import("platform/system_call.zig");
const timer = @import("timer.zig");
const uv_signal = @import("uv_signal.zig");
const wake = if (builtin.os.tag == .windows)
    @import("threadsafe_wake.zig")
else
    @import("uv_wake.zig");

pub const functions = .{
    .{ "signal", record.signalChecked, .{ "arg", "value" }, "Signals the Interrupt whose token is arg. Any thread. Returns 1 if it was signalled, 0 if it is closed, a status if arg was never given to anybody." },

    .{ "agent_open", realm.openToken, .{}, "Opens an agent for the calling thread. Returns its token, whose lower half is its number; or a status, as int64." },
    .{ "agent_close", realm.closeCollected, .{ "words", "token" }, "Closes the agent with this token, and all that it has open. Does nothing if it is closed. Engines can call it as the deallocator of the agent's memory." },
    .{ "agent_address", agent.address, .{"agent"}, "Address of the int32s of the agent that JavaScript reads: see ATTENTION to LISTENERS_DUE." },
    .{ "agent_wake_socket", agent.openWakeSocket, .{ "agent", "forgets" }, "Makes the socket that wakes the event loop. The caller owns the read side, which is returned. forgets: the agent closes it too, if the caller has not." },

    .{ "check_descriptors", agent.checkDescriptors, .{"pairs"}, "Returns 0 if this many pairs of descriptors can be opened now." },

    .{ "record_open", record.openToken, .{ "agent", "flags" }, "Opens a record of the agent. Returns its token, which signal, block and unblock take as arg, and whose lower half is the slot; or a status, as int64." },
    .{ "record_address", record.address, .{"slot"}, "Address of the int32s of the record: see PENDING to LISTED." },
    .{ "record_notify", record.renotify, .{"slot"}, "Announces once more that this record is pending." },
    .{ "record_flag", record.setFlag, .{ "slot", "flag", "on" }, "Sets or clears FLAG_WAKE, FLAG_PIPE, FLAG_PIPE_LAST or FLAG_STOPS. Clearing a pipe flag returns after the last write to the pipe." },
    .{ "record_has_stopped", record.hasStopped, .{"slot"}, "Returns 1 if native code has stopped because of FLAG_STOPS, else 0." },
    .{ "record_pipe", record.setPipe, .{ "slot", "pipe" }, "Sets the token of the EventPipe that signals make readable." },
    .{ "record_hook", subscription.hook, .{ "slot", "signal", "options" }, "Hooks a POSIX signal. Options: CHAIN, HYSTERESIS, LISTENED, ONCE." },
    .{ "record_hook_options", subscription.setOptions, .{ "slot", "options" }, "Changes the options of record_hook." },
    .{ "record_rearm", subscription.rearm, .{"slot"}, "Makes the kernel deliver a signal with hysteresis again. Call it when the signal is handled." },
    .{ "record_unhook_spent", subscription.unhookSpent, .{"slot"}, "With ONCE, when the signal is handled: ends the hook. Returns 1 if it did, 0 if the signal was not delivered yet." },
    .{ "record_retire", subscription.retire, .{"slot"}, "First half of closing: from here on the record accepts no signals." },
    .{ "record_release", record.release, .{"slot"}, "Second half of closing: the slot may be used again." },

    .{ "timer_start", timer.start, .{ "slot", "period_ns" }, "Signals the record with 1 every so many nanoseconds until it is retired, from a thread that all timers of the process share." },

    .{ "hook_check", hook.check, .{"signal"}, "Returns 0 if the signal can be hooked." },
    .{ "hook_listening", hook.listening, .{ "agent", "signal" }, "Call it before a listener of the runtime is registered. Returns 1 if the signal is ignored until now." },
    .{ "hook_listened", hook.listened, .{"signal"}, "Call it after that. If the runtime has installed its handler, ours is put on top again." },
    .{ "hook_heard", hook.listenerCalled, .{ "agent", "signal" }, "Call it in that listener." },
    .{ "hook_passed_on", hook.passedOn, .{"signal"}, "How many signals our handler has passed on to the runtime. For signal 0: how many, of any number, it may pass on in the next moment; ask this first." },
    .{ "hook_others", hook.othersListen, .{ "signal", "on" }, "Tells whether the program has listeners of its own for the signal." },
    .{ "hook_removing", hook.removing, .{"signal"}, "Call it before that listener is removed, where nobody can tell whether the program has others." },
    .{ "hook_unlistened", hook.unlistened, .{ "agent", "signal", "put_back" }, "Call it after that listener is removed. put_back: 1 restores the earlier disposition with the last listener; 2 does so for a runtime that calls no later listener for an earlier signal." },
    .{ "agent_borrow", agent.borrow, .{ "agent", "signal", "on" }, "Sets whether this agent, of another thread, needs a listener on the main thread." },
    .{ "agent_borrowed", agent.borrowed, .{}, "A bit for each signal for which some agent needs a listener on the main thread. Bit 0 is signal 1." },

    .{ "pipe_open", event_pipe.open, .{"agent"}, "Opens an eventfd, or a pipe where there is none. Returns its slot." },
    .{ "pipe_open_kind", event_pipe.openKind, .{ "agent", "kind" }, "Opens an EventPipe of this kind, an index of pipeKinds. Returns its slot." },
    .{ "pipe_adopt", event_pipe.adopt, .{ "agent", "read_fd", "write_fd" }, "Opens an EventPipe with duplicates of the caller's descriptors. Returns its slot." },
    .{ "pipe_token", event_pipe.token, .{"slot"}, "The token that pipe_signal and pipe_drain take as arg." },
    .{ "pipe_info", event_pipe.info, .{ "slot", "what" }, "PIPE_READ_FD, PIPE_WRITE_FD, or PIPE_KIND: an index of pipeKinds." },
    .{ "pipe_signal", event_pipe.signal, .{"arg"}, "Makes it readable. Any thread, any signal handler. Does nothing after pipe_close." },
    .{ "pipe_drain", event_pipe.drain, .{"arg"}, "Makes it unreadable. Any thread, any signal handler. Does nothing after pipe_close." },
    .{ "pipe_wait", event_pipe.wait, .{ "slot", "timeout_ns" }, "Waits until it is readable. Returns 1 if it is, 0 after the timeout. A timeout of 2^64-1 never ends." },
    .{ "pipe_renew", event_pipe.renew, .{"slot"}, "Puts new descriptors under the old numbers." },
    .{ "pipe_close", event_pipe.close, .{"slot"}, "Closes the EventPipe, when it was closed as often as opened." },

    .{ "sqlite_open", sqlite.open, .{"agent"}, "Opens a tie for the connection of SQLite that loads this library next on this thread. Returns its token; or a status, as int64." },
    .{ "sqlite_loaded", sqlite.loaded, .{"tie"}, "Returns 1 if the connection asks the tie, 0 if it has not loaded this library, a status if it cannot ask." },
    .{ "sqlite_ask", sqlite.ask, .{ "tie", "interrupt" }, "Sets what stops the connection's queries: records with FLAG_STOPS and the Interrupt with this token; 1 for the records only, 0 for nothing. Returns 0 if the tie is closed." },
    .{ "sqlite_close", sqlite.close, .{"tie"}, "Closes the tie. Does nothing if the end of the connection or of the agent has closed it." },

    .{ "function_address", native_function.address, .{"which"}, "Address of a function for native code: SIGNAL_FUNCTION and so on." },
    .{ "function_check", native_function.check, .{"func"}, "Returns 0 if the memory at this address is executable." },
    .{ "function_call", native_function.call, .{ "func", "arg", "value" }, "Calls void (*func)(void *arg, int value)." },

    .{ "memory", native_function.memory, .{ "address", "operation", "value" }, "An atomic operation on an int32, for callers without a view of native memory: MEMORY_LOAD, MEMORY_EXCHANGE, MEMORY_AND, MEMORY_OR. Gives what was there." },
};

/// Numbers that both sides must agree on.
pub const constants = .{
    .{ "ATTENTION", @offsetOf(agent.Agent, "head") / 4, "Index of an agent's int32: non-zero when some record may be pending." },
    .{ "LIST", @offsetOf(agent.Agent, "list") / 4, "Index of an agent's int32: the slot of the first record that became pending." },
    .{ "WAKE_FAILURE", @offsetOf(agent.Agent, "wake_failure") / 4, "Index of an agent's int32: the status of the last wake that failed." },
    .{ "PIPE_FAILURE", @offsetOf(agent.Agent, "pipe_failure") / 4, "Index of an agent's int32: the status of the last write to or read from a pipe that failed." },
    .{ "LISTENERS_DUE", @offsetOf(agent.Agent, "listeners_due") / 4, "Index of an agent's int32: 1 when agent_borrowed has changed." },
    .{ "AGENT_BYTES", agent.words_size, "Bytes of an agent that JavaScript may see." },
    .{ "NEEDS_SCAN", agent.needs_scan, "Bit of the attention word: a record may be pending." },
    .{ "WAKE_SENT", agent.wake_sent, "Bit of the attention word: a wake is on its way." },
    .{ "OWED", agent.owed, "Bit of the attention word: JavaScript has begun a scan and not finished it." },
    .{ "PENDING", @offsetOf(record.Record, "head") / 4, "Index of a record's int32: the pending value, 0 for none." },
    .{ "BLOCKED", @offsetOf(record.Record, "blocked") / 4, "Index of a record's int32: how many blocks are not undone yet." },
    .{ "NEXT", @offsetOf(record.Record, "next") / 4, "Index of a record's int32: the slot of the next record on the list, 0 for none." },
    .{ "LISTED", @offsetOf(record.Record, "listed") / 4, "Index of a record's int32: whether it is on the list." },
    .{ "SLOT_BYTES", slab.slot_size, "Bytes of a record." },
    .{ "CHUNK_SLOTS", slab.chunk_slots, "How many records are in one mapping." },
    .{ "FLAG_WAKE", record.flag_wake, "Of record_open and record_flag: a signal wakes the loop." },
    .{ "FLAG_PIPE", record.flag_pipe, "Of record_flag: a signal writes to the EventPipe, which is drained before the callback." },
    .{ "FLAG_PIPE_LAST", record.flag_pipe_last, "Of record_flag: a signal writes to the EventPipe, which the loop that watches it drains before it checks the Interrupt." },
    .{ "FLAG_STOPS", record.flag_stops, "Of record_flag: while it is pending and not blocked, native code of its thread that asks shall stop." },
    .{ "CHAIN", hook.option_chain, "Of record_hook: also call the earlier handler." },
    .{ "LISTENED", hook.option_listened, "Of record_hook: a listener of the runtime was registered, and its handler gets every signal." },
    .{ "ONCE", hook.option_once, "Of record_hook: the first delivery puts the earlier disposition back." },
    .{ "HYSTERESIS", hook.option_hysteresis, "Of record_hook: the kernel ignores the signal until it is handled." },
    .{ "SIGNAL_FUNCTION", @backingInt(native_function.Which.signal), "Of function_address." },
    .{ "BLOCK_FUNCTION", @backingInt(native_function.Which.block), "Of function_address." },
    .{ "UNBLOCK_FUNCTION", @backingInt(native_function.Which.unblock), "Of function_address." },
    .{ "POLL_FUNCTION", @backingInt(native_function.Which.poll), "Of function_address." },
    .{ "PIPE_SIGNAL_FUNCTION", @backingInt(native_function.Which.pipe_signal), "Of function_address." },
    .{ "AGENT_CLOSE_FUNCTION", @backingInt(native_function.Which.agent_close), "Of function_address." },
    .{ "PIPE_DRAIN_FUNCTION", @backingInt(native_function.Which.pipe_drain), "Of function_address." },
    .{ "PIPE_READ_FD", @backingInt(event_pipe.Info.read_fd), "Of pipe_info: the descriptor of the read side." },
    .{ "PIPE_WRITE_FD", @backingInt(event_pipe.Info.write_fd), "Of pipe_info: the descriptor of the write side." },
    .{ "PIPE_KIND", @backingInt(event_pipe.Info.kind), "Of pipe_info: what kind it is, an index of pipeKinds." },
    .{ "MEMORY_LOAD", @backingInt(native_function.Operation.load), "Operation of memory." },
    .{ "MEMORY_EXCHANGE", @backingInt(native_function.Operation.exchange), "Operation of memory." },
    .{ "MEMORY_AND", @backingInt(native_function.Operation.bit_and), "Operation of memory." },
    .{ "MEMORY_OR", @backingInt(native_function.Operation.bit_or), "Operation of memory." },
    .{ "BAD_FD_STATUS", status.Status.bad_fd.code(), "Status: a descriptor is not open." },
    .{ "SYSTEM_STATUS", status.Status.system.code(), "Status: a call failed. From this the status is less by the errno, and by CALL_STEP for each index of systemCalls." },
    .{ "CALL_STEP", status.call_step, "See SYSTEM_STATUS." },
};

comptime {
    // The generator and the unit tests read the table but have no host to resolve N-API from.
    if (builtin.output_mode == .Lib) {
        // A test build (tests/native/faulty.zig) has some more.
        const all = functions ++ if (@hasDecl(root, "fail")) root.functions else .{};
        bindings.exportAll(bindings.prefix, all);
        @export(&sqlite.init, .{ .name = "sqlite3_extension_init" });
        napi.exportModule(all, wake.functions ++ uv_signal.functions);
    }
}

test {
    _ = agent;
    _ = event_pipe;
    _ = hook;
    _ = realm;
    _ = record;
    _ = slab;
    _ = sqlite;
    _ = timer;
    _ = @import("fuzz.zig");
}
