//! The native bindings: all that JavaScript can call, and nothing else. To add a function: write it
//! in the file of its subject, add its line here, run `deno task build generate`. (CONTRIBUTING.md
//! has the recipe.)
const builtin = @import("builtin");
const root = @import("root");

pub const agent = @import("agent.zig");
const bindings = @import("bindings.zig");
pub const event_pipe = @import("event_pipe.zig");
pub const hook = @import("hook.zig");
const napi = @import("napi.zig");
const native_function = @import("native_function.zig");
pub const record = @import("record.zig");
pub const slab = @import("slab.zig");
const status = @import("status.zig");
const uv_signal = @import("uv_signal.zig");
const uv_wake = @import("uv_wake.zig");

pub const functions = .{
    .{ "signal", record.signalChecked, .{ "arg", "value" }, "Signals the Interrupt that arg (signalFunc().arg) names: 1 signalled, 0 closed, negative: nobody ever had this arg. Any thread." },

    .{ "agent_open", agent.openToken, .{}, "An agent for the calling thread, by its token, with its number in the lower half. Or a status, as int64." },
    .{ "agent_close", agent.closeCollected, .{ "words", "token" }, "Closes it, with all that it has open; nothing if it is closed. A deallocator of its words, too." },
    .{ "agent_address", agent.address, .{"agent"}, "Address of the int32 that JavaScript reads: the attention word, the list of records that became pending, what failed, what is due." },
    .{ "agent_wake_socket", agent.openWakeSocket, .{ "agent", "forgets" }, "Makes the socket that wakes the loop; gives its read side to the caller." },

    .{ "check_descriptors", agent.checkDescriptors, .{"pairs"}, "0 if as many pairs of descriptors can be had just now." },

    .{ "record_open", record.openToken, .{ "agent", "flags" }, "A record of the agent, by its token: the arg that signal, block and unblock take, with the slot in its lower half. Or a status, as int64." },
    .{ "record_address", record.address, .{"slot"}, "Address of the record's words." },
    .{ "record_notify", record.renotify, .{"slot"}, "Says again that this record is pending." },
    .{ "record_flag", record.setFlag, .{ "slot", "flag", "on" }, "Flags: FLAG_WAKE, FLAG_PIPE or FLAG_PIPE_LAST." },
    .{ "record_pipe", record.setPipe, .{ "slot", "pipe" }, "The EventPipe, by its token, to make readable." },
    .{ "record_hook", record.hook, .{ "slot", "signal", "options" }, "Hooks a POSIX signal. Options: 1 chain, 2 hysteresis." },
    .{ "record_hook_options", record.setHookOptions, .{ "slot", "options" }, "Changes the options." },
    .{ "record_rearm", record.rearm, .{"slot"}, "After a signal with hysteresis was handled." },
    .{ "record_retire", record.retire, .{"slot"}, "From here on nobody signals it." },
    .{ "record_release", record.release, .{"slot"}, "The slot may serve another." },

    .{ "hook_check", hook.check, .{"signal"}, "0 when the signal can be hooked." },
    .{ "hook_listening", hook.listening, .{ "agent", "signal" }, "Before a listener of the runtime is registered. 1: the signal is ignored until now." },
    .{ "hook_listened", hook.listened, .{"signal"}, "After that: ours goes on top, where the runtime has installed its handler." },
    .{ "hook_heard", hook.listenerCalled, .{ "agent", "signal", "coalesces" }, "That listener was called." },
    .{ "hook_passed_on", hook.passedOn, .{"signal"}, "How many signals ours has passed on to the runtime." },
    .{ "hook_unlistened", hook.unlistened, .{ "agent", "signal", "put_back" }, "That listener is gone. put_back: with the last one, what was there before returns; 2: and the runtime calls no later listener for an earlier signal." },
    .{ "agent_borrow", agent.borrow, .{ "agent", "signal", "on" }, "Whether this agent, of another thread, needs a listener of the main thread's runtime." },
    .{ "agent_borrowed", agent.borrowed, .{}, "A bit for each signal, from 1, that some agent needs one for." },

    .{ "pipe_open", event_pipe.open, .{"agent"}, "An eventfd, or a pipe." },
    .{ "pipe_adopt", event_pipe.adopt, .{ "agent", "read_fd", "write_fd" }, "The caller's descriptors, which it keeps." },
    .{ "pipe_token", event_pipe.token, .{"slot"}, "The arg that pipe_signal and pipe_drain take." },
    .{ "pipe_info", event_pipe.info, .{ "slot", "what" }, "PIPE_READ_FD, PIPE_WRITE_FD, or PIPE_KIND: an index of pipeKinds." },
    .{ "pipe_signal", event_pipe.signal, .{"arg"}, "Makes it readable. Any thread, any signal handler; nothing after close." },
    .{ "pipe_drain", event_pipe.drain, .{"arg"}, "Makes it unreadable. Any thread, any signal handler; nothing after close." },
    .{ "pipe_wait", event_pipe.wait, .{ "slot", "timeout_ns" }, "1 readable, 0 timed out; a timeout of 2^64-1 waits for ever." },
    .{ "pipe_renew", event_pipe.renew, .{"slot"}, "New descriptors under the old numbers." },
    .{ "pipe_close", event_pipe.close, .{"slot"}, "Closes it." },

    .{ "function_address", native_function.address, .{"which"}, "Address of one of the functions for native code." },
    .{ "function_check", native_function.check, .{"func"}, "0 when code can run at that address." },
    .{ "function_call", native_function.call, .{ "func", "arg", "value" }, "Calls void (*func)(void *arg, int value)." },

    .{ "memory", native_function.memory, .{ "address", "operation", "value" }, "An atomic operation on an int32, for callers without a view of native memory: MEMORY_LOAD, MEMORY_EXCHANGE, MEMORY_AND, MEMORY_OR. Gives what was there." },
};

/// Numbers that both sides must agree on.
pub const constants = .{
    .{ "ATTENTION", @offsetOf(agent.Agent, "head") / 4, "Index of an agent's int32: non-zero when some record may be pending." },
    .{ "LIST", @offsetOf(agent.Agent, "list") / 4, "Index of an agent's int32: the first record of its list." },
    .{ "WAKE_FAILURE", @offsetOf(agent.Agent, "wake_failure") / 4, "Index of an agent's int32: why its loop could not be woken, a status." },
    .{ "PIPE_FAILURE", @offsetOf(agent.Agent, "pipe_failure") / 4, "Index of an agent's int32: why one of its pipes could not be written or read, a status." },
    .{ "LISTENERS_DUE", @offsetOf(agent.Agent, "listeners_due") / 4, "Index of an agent's int32: 1 when agent_borrowed has changed." },
    .{ "AGENT_BYTES", agent.words_size, "Size of the words of an agent." },
    .{ "NEEDS_SCAN", agent.needs_scan, "Bit of the attention word: something may be pending." },
    .{ "WAKE_SENT", agent.wake_sent, "Bit of the attention word: a wake is on its way." },
    .{ "OWED", agent.owed, "Bit of the attention word: JavaScript has begun to look, and not ended." },
    .{ "PENDING", @offsetOf(record.Record, "head") / 4, "Index of a record's int32: the value that waits." },
    .{ "BLOCKED", @offsetOf(record.Record, "blocked") / 4, "Index of a record's int32: nesting depth." },
    .{ "NEXT", @offsetOf(record.Record, "next") / 4, "Index of a record's int32: the next one on the list." },
    .{ "LISTED", @offsetOf(record.Record, "listed") / 4, "Index of a record's int32: whether it is on the list." },
    .{ "SLOT_BYTES", slab.slot_size, "Size of a record." },
    .{ "CHUNK_SLOTS", slab.chunk_slots, "Records that stand in one mapping." },
    .{ "FLAG_WAKE", record.flag_wake, "Of record_open and record_flag: a signal wakes the loop." },
    .{ "FLAG_PIPE", record.flag_pipe, "Of record_flag: a signal writes to the EventPipe, which is drained before the callback." },
    .{ "FLAG_PIPE_LAST", record.flag_pipe_last, "Of record_flag: a signal writes to the EventPipe, which its watcher drains before it looks." },
    .{ "CHAIN", hook.option_chain, "Of record_hook: call the earlier handler too." },
    .{ "LISTENED", hook.option_listened, "Of record_hook: a listener of the runtime was registered, and its handler gets every signal." },
    .{ "HYSTERESIS", hook.option_hysteresis, "Of record_hook: ignored by the kernel until handled." },
    .{ "SIGNAL_FUNCTION", @backingInt(native_function.Which.signal), "Of function_address." },
    .{ "BLOCK_FUNCTION", @backingInt(native_function.Which.block), "Of function_address." },
    .{ "UNBLOCK_FUNCTION", @backingInt(native_function.Which.unblock), "Of function_address." },
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
    .{ "SYSTEM_STATUS", status.Status.system.code(), "Status: a system call failed. This is for errno 0; each errno is one less." },
};

comptime {
    // The generator and the unit tests read the table but have no host to resolve N-API from.
    if (builtin.output_mode == .Lib) {
        // A test build (tests/native/faulty.zig) has some more.
        const all = functions ++ if (@hasDecl(root, "fail")) root.functions else .{};
        bindings.exportAll(bindings.prefix, all);
        napi.exportModule(all, uv_wake.functions ++ uv_signal.functions);
    }
}

test {
    _ = agent;
    _ = event_pipe;
    _ = hook;
    _ = record;
    _ = slab;
    _ = @import("fuzz.zig");
}
