// Generated from tests/native/testkit.zig by `zig build generate`. Do not edit.

/** The functions of the native helpers. */
export const symbols = {
  /**
   * For the threads that thread_signal and thread_call start next: how often (0: until
   * thread_stop), how far apart.
   */
  plan: { parameters: ["u32", "u64"], result: "void" },
  /** For thread_signal: the values. */
  plan_values: { parameters: ["i32", "i32"], result: "void" },
  /** A thread calls func(arg, first), func(arg, first + step) and so on. Gives the thread. */
  thread_signal: { parameters: ["u64", "u64"], result: "i32" },
  /** A thread calls func(arg). */
  thread_call: { parameters: ["u64", "u64"], result: "i32" },
  /** A thread writes the round to the data word, then calls func(arg, round). */
  thread_litmus: { parameters: ["u64", "u64", "u32"], result: "i32" },
  /**
   * As thread_litmus, but signals before the write too, and then waits until the acknowledge word
   * holds the round.
   */
  thread_handshake: { parameters: ["u64", "u64", "u32"], result: "i32" },
  /**
   * A thread signals two lives of an Interrupt, and raises the signal now and then, until
   * thread_stop: see lives_address.
   */
  thread_lives: { parameters: ["u64", "i32"], result: "i32" },
  /**
   * u64[2]: the tokens that thread_lives signals, of the life that is and the one before, each with
   * a mark from 1 to 4095 in its upper 12 bits; 0 for none. Values are mark << 19 | index. Then
   * int32[4]: the last value for the life that is, before and after it was signalled; how many
   * calls were for the one before; how often the signal was raised.
   */
  lives_address: { parameters: [], result: "u64" },
  /** A thread reads from fd; its result is what read(2) gave, or -errno. */
  thread_read: { parameters: ["i32"], result: "i32" },
  /** A thread's errno after a signal to itself; it was 77 before. */
  thread_errno: { parameters: ["i32"], result: "i32" },
  /** As loop_run, in a thread, whose result is that of the loop. */
  thread_loop: { parameters: ["u32", "i32", "u32"], result: "i32" },
  /** A thread that takes any signal and does nothing, until thread_stop. */
  thread_idle: { parameters: [], result: "i32" },
  /** The kernel's number of the thread; 0 while it has not started. */
  thread_id: { parameters: ["i32"], result: "i32" },
  /** 1 when its work is done. */
  thread_done: { parameters: ["i32"], result: "i32" },
  /** Asks it to end after the current call. */
  thread_stop: { parameters: ["i32"], result: "void" },
  /** Waits for its end; gives its result. */
  thread_join: { parameters: ["i32"], result: "i32" },
  /**
   * u64[65536]: when thread_signal made its call with this index (modulo the length), by now_ns.
   */
  stamps_address: { parameters: [], result: "u64" },
  /** The monotonic clock, in nanoseconds. */
  now_ns: { parameters: [], result: "u64" },
  /** i64[16]: [0] is the data word, [8] the acknowledge word. */
  data_address: { parameters: [], result: "u64" },
  /** func(arg, value) on this thread. */
  call_value: { parameters: ["u64", "u64", "i32"], result: "void" },
  /** func(arg) on this thread. */
  call: { parameters: ["u64", "u64"], result: "void" },
  /** The int that func(arg) gives on this thread. */
  call_int: { parameters: ["u64", "u64"], result: "i32" },
  /** A native callback (arg, value): arg below 128 is the counter it counts in. */
  callback_address: { parameters: [], result: "u64" },
  /** How often it was called. */
  callback_count: { parameters: ["u32"], result: "u32" },
  /** The last value. */
  callback_value: { parameters: ["u32"], result: "i32" },
  /** The thread of the last call. */
  callback_thread: { parameters: ["u32"], result: "i32" },
  /** A native callback that calls what forward_to told, with the same value. */
  forward_address: { parameters: [], result: "u64" },
  /** See forward_address. */
  forward_to: { parameters: ["u64", "u64"], result: "void" },
  /** What the loops of docs/event_loops.md call to drain. */
  loop_drain: { parameters: ["u64", "u64"], result: "void" },
  /**
   * Runs one of them on this thread until it was woken so often: 0 poll, 1 epoll, 2 epoll
   * edge-triggered. Gives 0, or errno.
   */
  loop_run: { parameters: ["u32", "i32", "u32"], result: "i32" },
  /** How often it was woken. */
  loop_turns: { parameters: [], result: "u32" },
  /** Keeps the kernel's bytes in one of 128 slots. */
  disposition_save: { parameters: ["i32", "u32"], result: "void" },
  /** 1 when they are what was kept. */
  disposition_same: { parameters: ["i32", "u32"], result: "i32" },
  /** 0 handler, 1 flags, 2 restorer, 3 mask. */
  disposition_word: { parameters: ["i32", "u32"], result: "u64" },
  /** SIG_DFL. */
  handler_default: { parameters: ["i32"], result: "i32" },
  /** SIG_IGN. */
  handler_ignore: { parameters: ["i32"], result: "i32" },
  /** A handler that counts. */
  handler_count: { parameters: ["i32", "u64", "u64"], result: "i32" },
  /** A handler that counts and calls func(arg, signal). */
  handler_forward: { parameters: ["i32", "u64", "u64"], result: "i32" },
  /** How often the handler ran. */
  handled: { parameters: ["i32"], result: "u32" },
  /** si_pid of its last run; 0 if it got no siginfo. */
  handled_sender: { parameters: ["i32"], result: "i32" },
  /** Blocks or unblocks all signals for this thread. */
  mask_all: { parameters: ["i32"], result: "void" },
  /** This thread's errno after a signal to itself; it was 77 before. */
  errno_after: { parameters: ["i32"], result: "i32" },
  /** This process. */
  pid: { parameters: [], result: "i32" },
  /** This thread. */
  tid: { parameters: [], result: "i32" },
  /** kill(2), count times. */
  kill: { parameters: ["i32", "i32", "u32"], result: "i32" },
  /**
   * A native function (arg): signal arg % 256 to thread arg / 256 of this process, or the calling
   * one for 0.
   */
  killer_address: { parameters: [], result: "u64" },
  /** tgkill(2) to a thread of this process. */
  kill_thread: { parameters: ["i32", "i32"], result: "i32" },
  /**
   * fork(2): the child reads from fd, unless that is -1, calls func(arg, 42) and ends. Gives its
   * number.
   */
  fork: { parameters: ["u64", "u64", "i32"], result: "i32" },
  /** Of the int32 that forked children end with as their exit code. */
  fork_exit: { parameters: ["u64"], result: "void" },
  /** Waits for the end of a child: its exit code, or minus the signal that killed it. */
  wait_exit: { parameters: ["i32"], result: "i32" },
  /** SIGALRM to this process, once: setitimer(2). */
  alarm: { parameters: ["u32"], result: "i32" },
  /** The signal to this process, once, by a timer of its own: timer_create(2). */
  timer: { parameters: ["i32", "u32"], result: "i32" },
  /** Lets any process of this user trace this one with ptrace(2). */
  allow_tracing: { parameters: [], result: "void" },
  /**
   * Address of the C string that names the exported function that starts there; 0: there is none.
   */
  symbol_at: { parameters: ["u64"], result: "u64" },
  /** A pipe: read side in the low 32 bits, write side in the high. */
  pipe: { parameters: ["i32", "i32"], result: "u64" },
  /** A non-blocking pair, packed like a pipe. */
  socketpair: { parameters: [], result: "u64" },
  /** A non-blocking eventfd. */
  eventfd: { parameters: [], result: "i32" },
  /** setrlimit(2) of RLIMIT_NOFILE; gives the one before. */
  descriptor_limit: { parameters: ["u32"], result: "u32" },
  /** setitimer(2): SIGALRM again and again; 0: no more. */
  alarm_every: { parameters: ["u32"], result: "void" },
  /** fcntl(2) with F_DUPFD_CLOEXEC. */
  duplicate: { parameters: ["i32"], result: "i32" },
  /** dup2(2). */
  replace: { parameters: ["i32", "i32"], result: "i32" },
  /** close(2). */
  close: { parameters: ["i32"], result: "i32" },
  /** 1 close-on-exec, 2 non-blocking; -1: not open. */
  fd_flags: { parameters: ["i32"], result: "i32" },
  /** 1 when poll(2) says so; a negative timeout waits for ever. */
  readable: { parameters: ["i32", "i32"], result: "i32" },
  /** Reads up to 4096 bytes: how many, or -errno. */
  read: { parameters: ["i32"], result: "i32" },
  /** Writes a byte: 1, or -errno. */
  write: { parameters: ["i32"], result: "i32" },
  /** Writes until a write would block; gives the bytes written. */
  fill: { parameters: ["i32"], result: "i32" },
} as const;
