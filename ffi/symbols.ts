// Generated from zig-src/root.zig by `zig build generate`. Do not edit.

/** Every function of the native bindings. */
export const symbols = {
  /**
   * Signals the Interrupt that arg (signalFunc().arg) names: 1 signalled, 0 closed, negative:
   * nobody ever had this arg. Any thread.
   */
  signal: { parameters: ["u64", "i32"], result: "i32" },
  /**
   * An agent for the calling thread, by its token, with its number in the lower half. Or a status,
   * as int64.
   */
  agent_open: { parameters: [], result: "u64" },
  /**
   * Closes it, with all that it has open; nothing if it is closed. A deallocator of its words, too.
   */
  agent_close: { parameters: ["u64", "u64"], result: "void" },
  /**
   * Address of the int32 that JavaScript reads: the attention word, the list of records that became
   * pending, what failed, what is due.
   */
  agent_address: { parameters: ["u32"], result: "u64" },
  /** Makes the socket that wakes the loop; gives its read side to the caller. */
  agent_wake_socket: { parameters: ["u32", "u32"], result: "i32" },
  /** 0 if as many pairs of descriptors can be had just now. */
  check_descriptors: { parameters: ["u32"], result: "i32" },
  /**
   * A record of the agent, by its token: the arg that signal, block and unblock take, with the slot
   * in its lower half. Or a status, as int64.
   */
  record_open: { parameters: ["u32", "u32"], result: "u64" },
  /** Address of the record's words. */
  record_address: { parameters: ["u32"], result: "u64" },
  /** Says again that this record is pending. */
  record_notify: { parameters: ["u32"], result: "void" },
  /** Flags: FLAG_WAKE, FLAG_PIPE or FLAG_PIPE_LAST. */
  record_flag: { parameters: ["u32", "u32", "u32"], result: "void" },
  /** The EventPipe, by its token, to make readable. */
  record_pipe: { parameters: ["u32", "u64"], result: "void" },
  /** Hooks a POSIX signal. Options: 1 chain, 2 hysteresis. */
  record_hook: { parameters: ["u32", "u32", "u32"], result: "i32" },
  /** Changes the options. */
  record_hook_options: { parameters: ["u32", "u32"], result: "i32" },
  /** After a signal with hysteresis was handled. */
  record_rearm: { parameters: ["u32"], result: "i32" },
  /** From here on nobody signals it. */
  record_retire: { parameters: ["u32"], result: "void" },
  /** The slot may serve another. */
  record_release: { parameters: ["u32"], result: "void" },
  /** 0 when the signal can be hooked. */
  hook_check: { parameters: ["u32"], result: "i32" },
  /** Before a listener of the runtime is registered. 1: the signal is ignored until now. */
  hook_listening: { parameters: ["u32", "u32"], result: "i32" },
  /** After that: ours goes on top, where the runtime has installed its handler. */
  hook_listened: { parameters: ["u32"], result: "i32" },
  /** That listener was called. */
  hook_heard: { parameters: ["u32", "u32", "u32"], result: "void" },
  /** How many signals ours has passed on to the runtime. */
  hook_passed_on: { parameters: ["u32"], result: "u32" },
  /**
   * That listener is gone. put_back: with the last one, what was there before returns; 2: and the
   * runtime calls no later listener for an earlier signal.
   */
  hook_unlistened: { parameters: ["u32", "u32", "u32"], result: "i32" },
  /** Whether this agent, of another thread, needs a listener of the main thread's runtime. */
  agent_borrow: { parameters: ["u32", "u32", "u32"], result: "void" },
  /** A bit for each signal, from 1, that some agent needs one for. */
  agent_borrowed: { parameters: [], result: "u64" },
  /** An eventfd, or a pipe. */
  pipe_open: { parameters: ["u32"], result: "i32" },
  /** The caller's descriptors, which it keeps. */
  pipe_adopt: { parameters: ["u32", "i32", "i32"], result: "i32" },
  /** The arg that pipe_signal and pipe_drain take. */
  pipe_token: { parameters: ["u32"], result: "u64" },
  /** PIPE_READ_FD, PIPE_WRITE_FD, or PIPE_KIND: an index of pipeKinds. */
  pipe_info: { parameters: ["u32", "u32"], result: "i32" },
  /** Makes it readable. Any thread, any signal handler; nothing after close. */
  pipe_signal: { parameters: ["u64"], result: "void" },
  /** Makes it unreadable. Any thread, any signal handler; nothing after close. */
  pipe_drain: { parameters: ["u64"], result: "void" },
  /** 1 readable, 0 timed out; a timeout of 2^64-1 waits for ever. */
  pipe_wait: { parameters: ["u32", "u64"], result: "i32" },
  /** New descriptors under the old numbers. */
  pipe_renew: { parameters: ["u32"], result: "i32" },
  /** Closes it. */
  pipe_close: { parameters: ["u32"], result: "void" },
  /** Address of one of the functions for native code. */
  function_address: { parameters: ["u32"], result: "u64" },
  /** 0 when code can run at that address. */
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

/** Index of an agent's int32: the first record of its list. */
export const LIST = 3;

/** Index of an agent's int32: why its loop could not be woken, a status. */
export const WAKE_FAILURE = 4;

/** Index of an agent's int32: why one of its pipes could not be written or read, a status. */
export const PIPE_FAILURE = 5;

/** Index of an agent's int32: 1 when agent_borrowed has changed. */
export const LISTENERS_DUE = 6;

/** Size of the words of an agent. */
export const AGENT_BYTES = 28;

/** Bit of the attention word: something may be pending. */
export const NEEDS_SCAN = 1;

/** Bit of the attention word: a wake is on its way. */
export const WAKE_SENT = 2;

/** Bit of the attention word: JavaScript has begun to look, and not ended. */
export const OWED = 4;

/** Index of a record's int32: the value that waits. */
export const PENDING = 0;

/** Index of a record's int32: nesting depth. */
export const BLOCKED = 3;

/** Index of a record's int32: the next one on the list. */
export const NEXT = 5;

/** Index of a record's int32: whether it is on the list. */
export const LISTED = 6;

/** Size of a record. */
export const SLOT_BYTES = 64;

/** Records that stand in one mapping. */
export const CHUNK_SLOTS = 1024;

/** Of record_open and record_flag: a signal wakes the loop. */
export const FLAG_WAKE = 1;

/** Of record_flag: a signal writes to the EventPipe, which is drained before the callback. */
export const FLAG_PIPE = 2;

/** Of record_flag: a signal writes to the EventPipe, which its watcher drains before it looks. */
export const FLAG_PIPE_LAST = 4;

/** Of record_hook: call the earlier handler too. */
export const CHAIN = 1;

/** Of record_hook: a listener of the runtime was registered, and its handler gets every signal. */
export const LISTENED = 4;

/** Of record_hook: ignored by the kernel until handled. */
export const HYSTERESIS = 2;

/** Of function_address. */
export const SIGNAL_FUNCTION = 0;

/** Of function_address. */
export const BLOCK_FUNCTION = 1;

/** Of function_address. */
export const UNBLOCK_FUNCTION = 2;

/** Of function_address. */
export const PIPE_SIGNAL_FUNCTION = 3;

/** Of function_address. */
export const AGENT_CLOSE_FUNCTION = 5;

/** Of function_address. */
export const PIPE_DRAIN_FUNCTION = 4;

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

/** Status: a system call failed. This is for errno 0; each errno is one less. */
export const SYSTEM_STATUS = -1000;

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
};
