// Generated from zig-src/root.zig by `zig build generate`. Do not edit.

/** The functions of the native library. */
export const symbols = {
  /**
   * Signals the Interrupt whose token is arg. Any thread. Returns 1 if it was signalled, 0 if it is
   * closed, a status if arg was never given to anybody.
   */
  signal: { parameters: ["u64", "i32"], result: "i32" },
  /**
   * Opens an agent for the calling thread. Returns its token, whose lower half is its number; or a
   * status, as int64.
   */
  agent_open: { parameters: [], result: "u64" },
  /**
   * Closes the agent with this token, and all that it has open. Does nothing if it is closed.
   * Engines can call it as the deallocator of the agent's memory.
   */
  agent_close: { parameters: ["u64", "u64"], result: "void" },
  /** Address of the int32s of the agent that JavaScript reads: see ATTENTION to LISTENERS_DUE. */
  agent_address: { parameters: ["u32"], result: "u64" },
  /**
   * Makes the socket that wakes the event loop. The caller owns the read side, which is returned.
   * forgets: the agent closes it too, if the caller has not.
   */
  agent_wake_socket: { parameters: ["u32", "u32"], result: "i32" },
  /** Returns 0 if this many pairs of descriptors can be opened now. */
  check_descriptors: { parameters: ["u32"], result: "i32" },
  /**
   * Opens a record of the agent. Returns its token, which signal, block and unblock take as arg,
   * and whose lower half is the slot; or a status, as int64.
   */
  record_open: { parameters: ["u32", "u32"], result: "u64" },
  /** Address of the int32s of the record: see PENDING to LISTED. */
  record_address: { parameters: ["u32"], result: "u64" },
  /** Announces once more that this record is pending. */
  record_notify: { parameters: ["u32"], result: "void" },
  /**
   * Sets or clears FLAG_WAKE, FLAG_PIPE, FLAG_PIPE_LAST or FLAG_STOPS. Clearing a pipe flag returns
   * after the last write to the pipe.
   */
  record_flag: { parameters: ["u32", "u32", "u32"], result: "void" },
  /** Returns 1 if native code has stopped because of FLAG_STOPS, else 0. */
  record_has_stopped: { parameters: ["u32"], result: "u32" },
  /** Sets the token of the EventPipe that signals make readable. */
  record_pipe: { parameters: ["u32", "u64"], result: "void" },
  /** Hooks a POSIX signal. Options: CHAIN, HYSTERESIS, LISTENED, ONCE. */
  record_hook: { parameters: ["u32", "u32", "u32"], result: "i32" },
  /** Changes the options of record_hook. */
  record_hook_options: { parameters: ["u32", "u32"], result: "i32" },
  /**
   * Makes the kernel deliver a signal with hysteresis again. Call it when the signal is handled.
   */
  record_rearm: { parameters: ["u32"], result: "i32" },
  /**
   * With ONCE, when the signal is handled: ends the hook. Returns 1 if it did, 0 if the signal was
   * not delivered yet.
   */
  record_unhook_spent: { parameters: ["u32"], result: "u32" },
  /** First half of closing: from here on the record accepts no signals. */
  record_retire: { parameters: ["u32"], result: "void" },
  /** Second half of closing: the slot may be used again. */
  record_release: { parameters: ["u32"], result: "void" },
  /**
   * Signals the record with 1 every so many nanoseconds until it is retired, from a thread that all
   * timers of the process share.
   */
  timer_start: { parameters: ["u32", "u64"], result: "i32" },
  /** Returns 0 if the signal can be hooked. */
  hook_check: { parameters: ["u32"], result: "i32" },
  /**
   * Call it before a listener of the runtime is registered. Returns 1 if the signal is ignored
   * until now.
   */
  hook_listening: { parameters: ["u32", "u32"], result: "i32" },
  /** Call it after that. If the runtime has installed its handler, ours is put on top again. */
  hook_listened: { parameters: ["u32"], result: "i32" },
  /** Call it in that listener. */
  hook_heard: { parameters: ["u32", "u32"], result: "void" },
  /**
   * How many signals our handler has passed on to the runtime. For signal 0: how many, of any
   * number, it may pass on in the next moment; ask this first.
   */
  hook_passed_on: { parameters: ["u32"], result: "u32" },
  /** Tells whether the program has listeners of its own for the signal. */
  hook_others: { parameters: ["u32", "u32"], result: "void" },
  /**
   * Call it before that listener is removed, where nobody can tell whether the program has others.
   */
  hook_removing: { parameters: ["u32"], result: "i32" },
  /**
   * Call it after that listener is removed. put_back: 1 restores the earlier disposition with the
   * last listener; 2 does so for a runtime that calls no later listener for an earlier signal.
   */
  hook_unlistened: { parameters: ["u32", "u32", "u32"], result: "i32" },
  /** Sets whether this agent, of another thread, needs a listener on the main thread. */
  agent_borrow: { parameters: ["u32", "u32", "u32"], result: "void" },
  /**
   * A bit for each signal for which some agent needs a listener on the main thread. Bit 0 is signal
   * 1.
   */
  agent_borrowed: { parameters: [], result: "u64" },
  /** Opens an eventfd, or a pipe where there is none. Returns its slot. */
  pipe_open: { parameters: ["u32"], result: "i32" },
  /** Opens an EventPipe of this kind, an index of pipeKinds. Returns its slot. */
  pipe_open_kind: { parameters: ["u32", "u32"], result: "i32" },
  /** Opens an EventPipe with duplicates of the caller's descriptors. Returns its slot. */
  pipe_adopt: { parameters: ["u32", "i32", "i32"], result: "i32" },
  /** The token that pipe_signal and pipe_drain take as arg. */
  pipe_token: { parameters: ["u32"], result: "u64" },
  /** PIPE_READ_FD, PIPE_WRITE_FD, or PIPE_KIND: an index of pipeKinds. */
  pipe_info: { parameters: ["u32", "u32"], result: "i32" },
  /** Makes it readable. Any thread, any signal handler. Does nothing after pipe_close. */
  pipe_signal: { parameters: ["u64"], result: "void" },
  /** Makes it unreadable. Any thread, any signal handler. Does nothing after pipe_close. */
  pipe_drain: { parameters: ["u64"], result: "void" },
  /**
   * Waits until it is readable. Returns 1 if it is, 0 after the timeout. A timeout of 2^64-1 never
   * ends.
   */
  pipe_wait: { parameters: ["u32", "u64"], result: "i32" },
  /** Puts new descriptors under the old numbers. */
  pipe_renew: { parameters: ["u32"], result: "i32" },
  /** Closes the EventPipe, when it was closed as often as opened. */
  pipe_close: { parameters: ["u32"], result: "void" },
  /**
   * Opens a tie for the connection of SQLite that loads this library next on this thread. Returns
   * its token; or a status, as int64.
   */
  sqlite_open: { parameters: ["u32"], result: "u64" },
  /**
   * Returns 1 if the connection asks the tie, 0 if it has not loaded this library, a status if it
   * cannot ask.
   */
  sqlite_loaded: { parameters: ["u64"], result: "i32" },
  /**
   * Sets what stops the connection's queries: records with FLAG_STOPS and the Interrupt with this
   * token; 1 for the records only, 0 for nothing. Returns 0 if the tie is closed.
   */
  sqlite_ask: { parameters: ["u64", "u64"], result: "i32" },
  /** Closes the tie. Does nothing if the end of the connection or of the agent has closed it. */
  sqlite_close: { parameters: ["u64"], result: "void" },
  /** Address of a function for native code: SIGNAL_FUNCTION and so on. */
  function_address: { parameters: ["u32"], result: "u64" },
  /** Returns 0 if the memory at this address is executable. */
  function_check: { parameters: ["u64"], result: "i32" },
  /** Calls void (*func)(void *arg, int value). */
  function_call: { parameters: ["u64", "u64", "i32"], result: "void" },
  /**
   * An atomic operation on an int32, for callers without a view of native memory: MEMORY_LOAD,
   * MEMORY_EXCHANGE, MEMORY_AND, MEMORY_OR. Gives what was there.
   */
  memory: { parameters: ["u64", "u32", "i32"], result: "i32" },
} as const;

/** DT_SONAME: a library that is loaded already is found by it, whatever file it came from. */
export const SONAME = "/dev/null/libasync_interrupt-0.1.0.so";

/** Index of an agent's int32: non-zero when some record may be pending. */
export const ATTENTION = 0;

/** Index of an agent's int32: the slot of the first record that became pending. */
export const LIST = 3;

/** Index of an agent's int32: the status of the last wake that failed. */
export const WAKE_FAILURE = 4;

/** Index of an agent's int32: the status of the last write to or read from a pipe that failed. */
export const PIPE_FAILURE = 5;

/** Index of an agent's int32: 1 when agent_borrowed has changed. */
export const LISTENERS_DUE = 6;

/** Bytes of an agent that JavaScript may see. */
export const AGENT_BYTES = 28;

/** Bit of the attention word: a record may be pending. */
export const NEEDS_SCAN = 1;

/** Bit of the attention word: a wake is on its way. */
export const WAKE_SENT = 2;

/** Bit of the attention word: JavaScript has begun a scan and not finished it. */
export const OWED = 4;

/** Index of a record's int32: the pending value, 0 for none. */
export const PENDING = 0;

/** Index of a record's int32: how many blocks are not undone yet. */
export const BLOCKED = 3;

/** Index of a record's int32: the slot of the next record on the list, 0 for none. */
export const NEXT = 5;

/** Index of a record's int32: whether it is on the list. */
export const LISTED = 6;

/** Bytes of a record. */
export const SLOT_BYTES = 64;

/** How many records are in one mapping. */
export const CHUNK_SLOTS = 1024;

/** Of record_open and record_flag: a signal wakes the loop. */
export const FLAG_WAKE = 1;

/** Of record_flag: a signal writes to the EventPipe, which is drained before the callback. */
export const FLAG_PIPE = 2;

/**
 * Of record_flag: a signal writes to the EventPipe, which the loop that watches it drains before it
 * checks the Interrupt.
 */
export const FLAG_PIPE_LAST = 4;

/**
 * Of record_flag: while it is pending and not blocked, native code of its thread that asks shall
 * stop.
 */
export const FLAG_STOPS = 8;

/** Of record_hook: also call the earlier handler. */
export const CHAIN = 1;

/** Of record_hook: a listener of the runtime was registered, and its handler gets every signal. */
export const LISTENED = 4;

/** Of record_hook: the first delivery puts the earlier disposition back. */
export const ONCE = 8;

/** Of record_hook: the kernel ignores the signal until it is handled. */
export const HYSTERESIS = 2;

/** Of function_address. */
export const SIGNAL_FUNCTION = 0;

/** Of function_address. */
export const BLOCK_FUNCTION = 1;

/** Of function_address. */
export const UNBLOCK_FUNCTION = 2;

/** Of function_address. */
export const POLL_FUNCTION = 3;

/** Of function_address. */
export const PIPE_SIGNAL_FUNCTION = 4;

/** Of function_address. */
export const AGENT_CLOSE_FUNCTION = 6;

/** Of function_address. */
export const PIPE_DRAIN_FUNCTION = 5;

/** Of pipe_info: the descriptor of the read side. */
export const PIPE_READ_FD = 0;

/** Of pipe_info: the descriptor of the write side. */
export const PIPE_WRITE_FD = 1;

/** Of pipe_info: what kind it is, an index of pipeKinds. */
export const PIPE_KIND = 2;

/** Operation of memory. */
export const MEMORY_LOAD = 0;

/** Operation of memory. */
export const MEMORY_EXCHANGE = 1;

/** Operation of memory. */
export const MEMORY_AND = 2;

/** Operation of memory. */
export const MEMORY_OR = 3;

/** Status: a descriptor is not open. */
export const BAD_FD_STATUS = -2;

/**
 * Status: a call failed. From this the status is less by the errno, and by CALL_STEP for each index
 * of systemCalls.
 */
export const SYSTEM_STATUS = -1000;

/** See SYSTEM_STATUS. */
export const CALL_STEP = 4096;

/** What can fail: see SYSTEM_STATUS. */
export const systemCalls = [
  "sigaction",
  "eventfd",
  "pipe2",
  "socketpair",
  "fcntl",
  "statx",
  "kcmp",
  "dup3",
  "ppoll",
  "clock_gettime",
  "send",
  "read",
  "write",
  "open",
  "pthread_key_create",
  "pthread_create",
  "uv_async_init",
  "uv_signal_start",
  "SetConsoleCtrlHandler",
  "FlsAlloc",
  "CreateThread",
  "WSAStartup",
  "WSADuplicateSocket",
  "WSAPoll",
  "socket",
  "setsockopt",
  "ioctlsocket",
  "bind",
  "listen",
  "connect",
  "accept",
  "getsockname",
  "getpeername",
  "pipe",
  "fstat",
  "dup2",
  "poll",
] as const;

/** Kinds of an EventPipe. */
export const pipeKinds = ["eventfd", "pipe", "socketpair"] as const;

/** By status: the `code` of the InterruptError that is thrown, and the reason. */
export const statusErrors = {
  [-2]: [
    "BAD_FD",
    "a descriptor is not open: was it closed meanwhile?",
  ],
  [-3]: [
    "RESERVED_SIGNAL",
    "the signal cannot be caught, is a synchronous fault, or belongs to libc: choose another",
  ],
  [-4]: [
    "UNSUPPORTED",
    "this platform cannot do it",
  ],
  [-10]: [
    "UNSUPPORTED",
    "Windows delivers no such signal: choose INT (Ctrl-C), BREAK (Ctrl-Break) or HUP (the console is closed)",
  ],
  [-5]: [
    "BAD_FD",
    "a descriptor is blocking: set O_NONBLOCK on both first",
  ],
  [-6]: [
    "BAD_FD",
    "the read side must be readable and the write side writable: are they swapped?",
  ],
  [-8]: [
    "SYSTEM",
    "no native memory or no slot is left: close what is no longer needed",
  ],
} as const;

/**
 * By platform and name, as Zig's standard library has them: in Deno it takes long to ask node:os.
 */
export const signalNumbers: {
  readonly [platform: string]: { readonly [name: string]: number };
} = {
  linux: {
    SIGHUP: 1,
    SIGINT: 2,
    SIGQUIT: 3,
    SIGILL: 4,
    SIGTRAP: 5,
    SIGABRT: 6,
    SIGBUS: 7,
    SIGFPE: 8,
    SIGKILL: 9,
    SIGUSR1: 10,
    SIGSEGV: 11,
    SIGUSR2: 12,
    SIGPIPE: 13,
    SIGALRM: 14,
    SIGTERM: 15,
    SIGSTKFLT: 16,
    SIGCHLD: 17,
    SIGCONT: 18,
    SIGSTOP: 19,
    SIGTSTP: 20,
    SIGTTIN: 21,
    SIGTTOU: 22,
    SIGURG: 23,
    SIGXCPU: 24,
    SIGXFSZ: 25,
    SIGVTALRM: 26,
    SIGPROF: 27,
    SIGWINCH: 28,
    SIGIO: 29,
    SIGPWR: 30,
    SIGSYS: 31,
    SIGIOT: 6,
    SIGPOLL: 29,
    SIGCLD: 17,
    SIGUNUSED: 31,
  },
  win32: {
    SIGHUP: 1,
    SIGINT: 2,
    SIGILL: 4,
    SIGFPE: 8,
    SIGKILL: 9,
    SIGSEGV: 11,
    SIGTERM: 15,
    SIGBREAK: 21,
    SIGABRT: 22,
    SIGWINCH: 28,
  },
  darwin: {
    SIGHUP: 1,
    SIGINT: 2,
    SIGQUIT: 3,
    SIGILL: 4,
    SIGTRAP: 5,
    SIGABRT: 6,
    SIGEMT: 7,
    SIGFPE: 8,
    SIGKILL: 9,
    SIGBUS: 10,
    SIGSEGV: 11,
    SIGSYS: 12,
    SIGPIPE: 13,
    SIGALRM: 14,
    SIGTERM: 15,
    SIGURG: 16,
    SIGSTOP: 17,
    SIGTSTP: 18,
    SIGCONT: 19,
    SIGCHLD: 20,
    SIGTTIN: 21,
    SIGTTOU: 22,
    SIGIO: 23,
    SIGXCPU: 24,
    SIGXFSZ: 25,
    SIGVTALRM: 26,
    SIGPROF: 27,
    SIGWINCH: 28,
    SIGINFO: 29,
    SIGUSR1: 30,
    SIGUSR2: 31,
    SIGIOT: 6,
  },
};
