// Generated from bench/native/benchkit.zig by `zig build generate`. Do not edit.

/** The functions of the native helpers. */
export const symbols = {
  /** For start: how many threads, calls of each, and when a thread gives up (0: never). */
  plan: { parameters: ["u32", "u32", "u64"], result: "void" },
  /** For start and pause: a thread sleeps so long before each call, at random. 0, 0: not at all. */
  pace: { parameters: ["u64", "u64"], result: "void" },
  /** For start: counts instead of measuring; slow where there are any. 0: cannot be had here. */
  count_system_calls: { parameters: ["i32"], result: "i32" },
  /** The threads call func(arg, 1), func(arg, 2) and so on. */
  start: { parameters: ["u64", "u64"], result: "void" },
  /** int32[16]: [0] how many of the threads still run. */
  shared_address: { parameters: [], result: "u64" },
  /** Waits for their end. */
  join: { parameters: [], result: "void" },
  /**
   * 0 calls, 1 ps a call (the median of 256 parts), 2 ns of all threads together, 3 system calls, 4
   * and 5 resident bytes before and after.
   */
  result: { parameters: ["u32"], result: "u64" },
  /** The calling thread's system calls are counted from here on, or no more. */
  count_own: { parameters: ["i32"], result: "void" },
  /** How many were counted. */
  system_calls: { parameters: [], result: "u64" },
  /** This process's memory, in bytes. */
  resident: { parameters: [], result: "u64" },
  /** u64[65536]: when the call with value index + 1 began; kept while there is a pace. */
  sent_address: { parameters: [], result: "u64" },
  /** u64[65536]: by arrive. */
  arrived_address: { parameters: [], result: "u64" },
  /** The caller is about to send this value. */
  depart: { parameters: ["i32"], result: "void" },
  /** The caller has got this value. */
  arrive: { parameters: ["i32"], result: "void" },
  /** See pace. */
  pause: { parameters: [], result: "void" },
  /** The monotonic clock. */
  now_ns: { parameters: [], result: "u64" },
  /** To know what a call costs. */
  nothing: { parameters: ["i32"], result: "void" },
  /** For signal_target. */
  target: { parameters: ["u64", "u64"], result: "void" },
  /** Calls it, and adds what that took to timed_ns. */
  signal_target: { parameters: ["i32"], result: "void" },
  /** Calls it, and nothing else. */
  call_target: { parameters: ["i32"], result: "void" },
  /** The sum since the last call, the clock's own time taken off. */
  timed_ns: { parameters: [], result: "u64" },
  /**
   * A thread calls the targets (u64 pairs func, arg) in turn, each when the last one was answered;
   * adds what a call took to timed_ns.
   */
  rounds: { parameters: ["u64", "u32", "u32"], result: "void" },
  /** For rounds: how many answers a call has. */
  expect: { parameters: ["u32"], result: "void" },
  /** A native callback (arg, value). */
  answer_address: { parameters: [], result: "u64" },
  /** A native function (arg, value): napi_call_threadsafe_function, without waiting. */
  tsfn_address: { parameters: [], result: "u64" },
  /** A native function (arg, value): write(2) of one byte to the descriptor arg. */
  write_address: { parameters: [], result: "u64" },
  /** A native function (arg, value): kill(2), signal arg, this process. */
  kill_address: { parameters: [], result: "u64" },
  /**
   * A native function (arg, value): signal arg to the calling thread, which handles it before this
   * returns.
   */
  raise_address: { parameters: [], result: "u64" },
  /** Non-blocking: read side in the low 32 bits, write side in the high. */
  pipe: { parameters: [], result: "u64" },
  /** At once: what a peer has queued is not freed. */
  exit: { parameters: ["i32"], result: "void" },
} as const;
