//! What tests and the demo need from native code: the table of it. The functions are in testkit/, a
//! file for each subject. No libc: one build for every Linux host, like the library under test.
//! Windows has those that are not about POSIX.
const builtin = @import("builtin");
pub const bindings = @import("napi").bindings;
const napi = @import("napi");

const is_windows = builtin.os.tag == .windows;
const windows = @import("testkit/windows.zig");
const callbacks = @import("testkit/callbacks.zig");
const clock = if (is_windows) windows else @import("testkit/clock.zig");
const descriptors = if (is_windows) windows else @import("testkit/descriptors.zig");
const dispositions = if (is_windows) windows else @import("testkit/dispositions.zig");
const event_loops = if (is_windows) windows else @import("testkit/event_loops.zig");
const lives = if (is_windows) windows else @import("testkit/lives.zig");
const processes = if (is_windows) windows else @import("testkit/processes.zig");
const senders = if (is_windows) windows else @import("testkit/senders.zig");
const signals = if (is_windows) windows else @import("testkit/signals.zig");
const threads = if (is_windows) windows else @import("testkit/threads.zig");

pub const functions = .{
    .{ "plan", threads.plan, .{ "count", "interval_ns" }, "For the threads that thread_signal and thread_call start next: how often (0: until thread_stop), how far apart." },
    .{ "plan_values", threads.planValues, .{ "first", "step" }, "For thread_signal: the values." },
    .{ "thread_signal", threads.threadSignal, .{ "func", "arg" }, "A thread calls func(arg, first), func(arg, first + step) and so on. Gives the thread." },
    .{ "thread_call", threads.threadCall, .{ "func", "arg" }, "A thread calls func(arg)." },
    .{ "thread_litmus", threads.threadLitmus, .{ "func", "arg", "rounds" }, "A thread writes the round to the data word, then calls func(arg, round)." },
    .{ "thread_handshake", threads.threadHandshake, .{ "func", "arg", "rounds" }, "As thread_litmus, but signals before the write too, and then waits until the acknowledge word holds the round." },
    .{ "thread_lives", threads.threadLives, .{ "func", "signal" }, "A thread signals two lives of an Interrupt, and raises the signal now and then, until thread_stop: see lives_address." },
    .{ "lives_address", lives.livesAddress, .{}, "u64[2]: the tokens that thread_lives signals, of the life that is and the one before, each with a mark from 1 to 4095 in its upper 12 bits; 0 for none. Values are mark << 19 | index. Then int32[4]: the last value for the life that is, before and after it was signalled; how many calls were for the one before; how often the signal was raised." },
    .{ "thread_read", threads.threadRead, .{"fd"}, "A thread reads from fd; its result is what read(2) gave, or -errno." },
    .{ "thread_errno", threads.threadErrno, .{"signal"}, "A thread's errno after a signal to itself; it was 77 before." },
    .{ "thread_loop", threads.threadLoop, .{ "kind", "fd", "turns" }, "As loop_run, in a thread, whose result is that of the loop." },
    .{ "thread_idle", threads.threadIdle, .{}, "A thread that takes any signal and does nothing, until thread_stop." },
    .{ "thread_id", threads.threadId, .{"thread"}, "The kernel's number of the thread; 0 while it has not started." },
    .{ "thread_done", threads.threadDone, .{"thread"}, "1 when its work is done." },
    .{ "thread_stop", threads.threadStop, .{"thread"}, "Asks it to end after the current call." },
    .{ "thread_join", threads.threadJoin, .{"thread"}, "Waits for its end; gives its result." },
    .{ "stamps_address", senders.stampsAddress, .{}, "u64[65536]: when thread_signal made its call with this index (modulo the length), by now_ns." },
    .{ "now_ns", clock.nowNs, .{}, "The monotonic clock, in nanoseconds." },
    .{ "data_address", senders.dataAddress, .{}, "i64[16]: [0] is the data word, [8] the acknowledge word." },

    .{ "call_value", callbacks.callValue, .{ "func", "arg", "value" }, "func(arg, value) on this thread." },
    .{ "call", callbacks.call, .{ "func", "arg" }, "func(arg) on this thread." },
    .{ "call_int", callbacks.callInt, .{ "func", "arg" }, "The int that func(arg) gives on this thread." },
    .{ "callback_address", callbacks.callbackAddress, .{}, "A native callback (arg, value): arg below 128 is the counter it counts in." },
    .{ "callback_count", callbacks.callbackCount, .{"counter"}, "How often it was called." },
    .{ "callback_value", callbacks.callbackValue, .{"counter"}, "The last value." },
    .{ "callback_thread", callbacks.callbackThread, .{"counter"}, "The thread of the last call." },
    .{ "forward_address", callbacks.forwardAddress, .{}, "A native callback that calls what forward_to told, with the same value." },
    .{ "forward_to", callbacks.forwardTo, .{ "func", "arg" }, "See forward_address." },

    .{ "loop_drain", event_loops.loopDrain, .{ "func", "arg" }, "What the loops of docs/event_loops.md call to drain." },
    .{ "loop_run", event_loops.loopRun, .{ "kind", "fd", "turns" }, "Runs one of them on this thread until it was woken so often: 0 poll, 1 epoll, 2 epoll edge-triggered. Gives 0, or errno." },
    .{ "loop_turns", event_loops.loopTurns, .{}, "How often it was woken." },

    .{ "disposition_save", dispositions.dispositionSave, .{ "signal", "slot" }, "Keeps the kernel's bytes in one of 128 slots." },
    .{ "disposition_same", dispositions.dispositionSame, .{ "signal", "slot" }, "1 when they are what was kept." },
    .{ "disposition_word", dispositions.dispositionWord, .{ "signal", "which" }, "0 handler, 1 flags, 2 restorer, 3 mask." },
    .{ "handler_default", dispositions.handlerDefault, .{"signal"}, "SIG_DFL." },
    .{ "handler_ignore", dispositions.handlerIgnore, .{"signal"}, "SIG_IGN." },
    .{ "handler_count", dispositions.handlerCount, .{ "signal", "flags", "mask" }, "A handler that counts." },
    .{ "handler_forward", dispositions.handlerForward, .{ "signal", "func", "arg" }, "A handler that counts and calls func(arg, signal)." },
    .{ "handled", dispositions.handledCount, .{"signal"}, "How often the handler ran." },
    .{ "handled_sender", dispositions.handledSender, .{"signal"}, "si_pid of its last run; 0 if it got no siginfo." },
    .{ "mask_all", signals.maskAll, .{"on"}, "Blocks or unblocks all signals for this thread." },
    .{ "errno_after", signals.errnoAfter, .{"signal"}, "This thread's errno after a signal to itself; it was 77 before." },

    .{ "pid", processes.pid, .{}, "This process." },
    .{ "tid", processes.tid, .{}, "This thread." },
    .{ "kill", signals.kill, .{ "process", "signal", "count" }, "kill(2), count times." },
    .{ "killer_address", signals.killerAddress, .{}, "A native function (arg): signal arg % 256 to thread arg / 256 of this process, or the calling one for 0." },
    .{ "kill_thread", signals.killThread, .{ "thread", "signal" }, "tgkill(2) to a thread of this process." },
    .{ "fork", processes.fork, .{ "func", "arg", "fd" }, "fork(2): the child reads from fd, unless that is -1, calls func(arg, 42) and ends. Gives its number." },
    .{ "fork_exit", processes.forkExit, .{"address"}, "Of the int32 that forked children end with as their exit code." },
    .{ "wait_exit", processes.waitExit, .{"process"}, "Waits for the end of a child: its exit code, or minus the signal that killed it." },
    .{ "alarm", signals.alarm, .{"delay_us"}, "SIGALRM to this process, once: setitimer(2)." },
    .{ "timer", signals.timer, .{ "signal", "delay_ns" }, "The signal to this process, once, by a timer of its own: timer_create(2)." },

    .{ "allow_tracing", processes.allowTracing, .{}, "Lets any process of this user trace this one with ptrace(2)." },
    .{ "symbol_at", processes.symbolAt, .{"address"}, "Address of the C string that names the exported function that starts there; 0: there is none." },

    .{ "pipe", descriptors.makePipe, .{ "cloexec", "nonblocking" }, "A pipe: read side in the low 32 bits, write side in the high." },
    .{ "socketpair", descriptors.makeSocketpair, .{}, "A non-blocking pair, packed like a pipe." },
    .{ "eventfd", descriptors.makeEventfd, .{}, "A non-blocking eventfd." },
    .{ "descriptor_limit", descriptors.descriptorLimit, .{"limit"}, "setrlimit(2) of RLIMIT_NOFILE; gives the one before." },
    .{ "alarm_every", signals.alarmEvery, .{"microseconds"}, "setitimer(2): SIGALRM again and again; 0: no more." },
    .{ "duplicate", descriptors.duplicateFd, .{"fd"}, "fcntl(2) with F_DUPFD_CLOEXEC." },
    .{ "replace", descriptors.replaceFd, .{ "fd", "target" }, "dup2(2)." },
    .{ "close", descriptors.closeFd, .{"fd"}, "close(2)." },
    .{ "fd_flags", descriptors.fdFlags, .{"fd"}, "1 close-on-exec, 2 non-blocking; -1: not open." },
    .{ "readable", descriptors.readable, .{ "fd", "timeout_ms" }, "1 when poll(2) says so; a negative timeout waits for ever." },
    .{ "read", descriptors.readFd, .{"fd"}, "Reads up to 4096 bytes: how many, or -errno." },
    .{ "write", descriptors.writeFd, .{"fd"}, "Writes a byte: 1, or -errno." },
    .{ "fill", descriptors.fill, .{"fd"}, "Writes until a write would block; gives the bytes written." },
};

comptime {
    // The generator reads the table too.
    if (builtin.output_mode == .Lib) {
        bindings.exportAll("testkit_", functions);
        napi.exportModule(functions, .{.{ "view", &napi.view }});
    }
}
