import {
  AGENT_BYTES,
  ATTENTION,
  CHUNK_SLOTS,
  LIST,
  LISTENERS_DUE,
  NEEDS_SCAN,
  NEXT,
  OWED,
  PIPE_FAILURE,
  SLOT_BYTES,
  SONAME,
  WAKE_FAILURE,
  WAKE_SENT,
} from "../../ffi/symbols.ts";
import type { Wake } from "../../ffi/library.ts";
import { canLoadSilently, load, type Native } from "../../ffi/load.ts";
import { checked, errorOf, InterruptError } from "../../ffi/errors.ts";
import { memoryAt, type NativeMemory } from "../../ffi/native_memory.ts";
import type { InterruptRecord, RecordOwner, Thrown } from "./record.ts";
import { SignalListeners } from "./signal_listeners.ts";

/** The words where native code stores the status of a failure, and what failed then. */
const failures = [
  [WAKE_FAILURE, "Cannot wake this event loop"],
  [PIPE_FAILURE, "Cannot signal or drain a pipe"],
] as const;

/**
 * This JavaScript realm on its thread: the records it owns, and the wake of its event loop.
 *
 * An exception may come out of every call and every iteration of a loop: the stack is full, or a
 * `vm` timeout passes (and then not even `finally` runs). So each step leaves the work that is not
 * yet done where the next scan finds it, with OWED or NEEDS_SCAN set.
 *
 * A call and the store of its result must not be torn apart. So the results go to `left`, a plain
 * object: a private property may have been lowered to a call, and JavaScriptCore's first store to
 * an object whose prototype has accessors may throw.
 */
export class Agent implements RecordOwner {
  readonly native: Native;
  /** The realm has ended: nothing is delivered or opened any more. */
  ended = false;
  readonly #id: number;
  /** Whether JavaScript reads records in memory, or by native calls. */
  readonly poll: "memory" | "call";
  readonly signals: SignalListeners;
  /** The memory of the agent, if the permissions allow a view of it. */
  readonly view: Int32Array | undefined;
  /** All EventPipes of this realm, whichever copy of the module made them. */
  readonly pipes: WeakSet<object> = new WeakSet();
  readonly #memory: NativeMemory;
  readonly #chunks = new Map<number, NativeMemory>();
  readonly #records = new Map<number, InterruptRecord>();
  /**
   * By the number of the read side: several Interrupts may be given the same descriptor as a bare
   * number.
   */
  readonly #sharers = new Map<number, Set<InterruptRecord>>();
  /**
   * `chain`: the slot of the first record that was taken off the native list and is not queued yet;
   * 0 for none.
   */
  readonly left = { chain: 0 };
  /**
   * The records still to be looked at; the next one is at the end. Nested scans share it, since a
   * callback may call checkpoint().
   */
  readonly queue: InterruptRecord[] = [];
  #wake: Wake | undefined;
  #failure: InterruptError | undefined;
  /** The status that was reported last, by word: a failure that repeats is reported once. */
  readonly #reported: number[] = [];
  #references = 0;
  #stopLooking: (() => void) | undefined;

  constructor(native: Native) {
    const { functions } = native;
    this.native = native;
    const token = functions.agent_open();
    // A token is below 2^53.
    const opened = checked(
      Number(BigInt.asIntN(64, token)),
      "Cannot open an agent for this thread",
    );
    this.#id = opened % 2 ** 32;
    this.signals = new SignalListeners(native, this.#id, () => this.#look());
    this.#memory = memoryAt(
      native,
      functions.agent_address(this.#id),
      AGENT_BYTES,
      token,
    );
    this.view = this.#memory.view;
    this.poll = this.view === undefined ? "call" : "memory";
    native.atRealmEnd?.(() => this.#end(token));
  }

  /** The number by which native calls know this agent. */
  get id(): number {
    if (!this.ended) return this.#id;
    throw new InterruptError(
      "CLOSED",
      "Cannot open an Interrupt or an EventPipe: this realm has ended, with its unload event",
    );
  }

  /**
   * Called when the realm ends. The native side then reuses the slots of the agent and of all that
   * it has open, so this realm must not read them again.
   */
  #end(token: bigint): void {
    // A listener of the runtime may end the process before the loop turns: deliver now.
    this.#lastTurn();
    this.ended = true;
    for (const record of this.#records.values()) record.abandon();
    this.#records.clear();
    this.queue.length = 0;
    this.left.chain = 0;
    this.#stopLooking?.();
    this.#wake?.close?.();
    this.native.functions.agent_close(0n, token);
  }

  add(record: InterruptRecord): void {
    this.#records.set(record.slot, record);
    this.#stopLooking ??= this.native.beforeEnd(() => this.#lastTurn());
  }

  delete(record: InterruptRecord): void {
    this.#records.delete(record.slot);
    if (this.#records.size > 0) return;
    // Reset first: after an exception in between, add() must listen again.
    const stop = this.#stopLooking;
    this.#stopLooking = undefined;
    stop?.();
  }

  /**
   * Called when the event loop is about to end. The wake does not keep it alive, so a pending value
   * may not have been delivered yet.
   *
   * @returns true if there was something to deliver.
   */
  #lastTurn(): boolean {
    if (this.ended || this.#memory.get(ATTENTION) === 0) return false;
    this.#onWake();
    return true;
  }

  /** The records whose pipe has this read side. */
  sharersOf(readFd: number): Set<InterruptRecord> {
    let sharers = this.#sharers.get(readFd);
    if (sharers === undefined) {
      this.#sharers.set(readFd, sharers = new Set());
    }
    return sharers;
  }

  /** The memory that holds a slot, and the index of its first int32. */
  memoryOf(slot: number): [NativeMemory, number] {
    const chunk = Math.floor(slot / CHUNK_SLOTS);
    const offset = slot % CHUNK_SLOTS;
    let memory = this.#chunks.get(chunk);
    if (memory === undefined) {
      const address = this.native.functions.record_address(slot) -
        BigInt(offset * SLOT_BYTES);
      memory = memoryAt(this.native, address, CHUNK_SLOTS * SLOT_BYTES);
      this.#chunks.set(chunk, memory);
    }
    return [memory, offset * SLOT_BYTES / Int32Array.BYTES_PER_ELEMENT];
  }

  /** Opens the wake of the event loop; later calls return the same one. */
  openWake(): Wake {
    if (this.#failure !== undefined) throw this.#failure;
    return this.#wake ??= this.native.openWake(
      this.id,
      () => this.#onWake(),
      (cause) => this.#fail(cause),
    );
  }

  /**
   * Called when foreign code has closed or replaced the descriptor of the wake. Checkpoints still
   * work.
   */
  #fail(cause: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = new InterruptError(
      "BAD_FD",
      "Cannot wake this event loop any more: its wake socket failed: which code closes descriptors that are not its own?",
      { cause },
    );
    this.#report(this.#failure);
  }

  /** Reports a failure once, with the Interrupt that was opened first. */
  #report(error: InterruptError): void {
    const [first] = this.#records.values();
    first?.report(error);
  }

  #lendListeners(): void {
    if (this.#memory.get(LISTENERS_DUE) === 0) return;
    this.#memory.exchange(LISTENERS_DUE, 0);
    try {
      this.signals.lend();
    } catch (error) {
      this.#report(error as InterruptError);
    }
  }

  #reportFailures(): void {
    if (!this.#hasFailed) return;
    for (const [word, what] of failures) {
      let status = this.#memory.get(word);
      while (status !== 0) {
        const known = word === WAKE_FAILURE && this.#failure !== undefined;
        if (!known && status !== this.#reported[word]) {
          this.#report(errorOf(status, what));
          this.#reported[word] = status;
        }
        // Report, then clear: after an exception in between it is reported again.
        const last = this.#memory.exchange(word, 0);
        status = last === status ? 0 : last;
      }
    }
  }

  /** Whether there is a failure to report, and an Interrupt to report it with. */
  get #hasFailed(): boolean {
    const memory = this.#memory;
    return (memory.get(WAKE_FAILURE) | memory.get(PIPE_FAILURE)) !== 0 &&
      this.#records.size > 0;
  }

  /** Keeps the process alive until unref() was called as often. */
  ref(): void {
    if (this.#references === 0) this.openWake().ref();
    this.#references++;
  }

  unref(): void {
    if (this.#references === 1) this.#wake!.unref();
    this.#references--;
  }

  /**
   * WAKE_SENT stays set: the wake is still on its way, so further signals to a busy loop make no
   * system call.
   */
  atCheckpoint(): void {
    if (!this.#begin()) return;
    const thrown = this.#scan();
    if (thrown !== undefined) throw thrown.error;
  }

  /**
   * The runtime calls this from its listener for a signal: a listener that comes after ours may end
   * the process before the event loop turns.
   */
  #look(): void {
    // Without WAKE_SENT only records without a wake are pending: they wait for a checkpoint.
    const wakes = (this.#memory.get(ATTENTION) & WAKE_SENT) !== 0;
    if (wakes && this.#begin()) this.#scanAtTop();
  }

  /** Whether a scan is needed. If so, NEEDS_SCAN becomes OWED in one atomic step. */
  #begin(): boolean {
    const word = this.#memory.get(ATTENTION);
    if ((word & (NEEDS_SCAN | OWED)) === 0 || this.ended) return false;
    this.#memory.xor(ATTENTION, (word & NEEDS_SCAN) | (OWED & ~word));
    return true;
  }

  /**
   * The event loop was woken, and the runtime has drained the descriptor of the wake. The order is
   * drain, then clear. In the other order, a signal between the two steps would set WAKE_SENT and
   * have its wake drained: later signals would wake nobody.
   */
  #onWake(): void {
    if (this.ended) return;
    this.#memory.exchange(ATTENTION, OWED);
    this.#scanAtTop();
  }

  /** Scans with no caller to throw to. */
  #scanAtTop(): void {
    try {
      const thrown = this.#scan();
      if (thrown !== undefined) thrown.record.report(thrown.error);
    } finally {
      // An exception has left these, and their wake is spent: notify again.
      for (const record of this.queue) record.notify();
    }
  }

  /**
   * Delivers all that is listed or queued.
   *
   * @returns the first error that is for the caller.
   * @throws only what the engine throws by itself; OWED is set then, so that the next checkpoint
   * continues.
   */
  #scan(): Thrown | undefined {
    const { queue } = this;
    let first: Thrown | undefined;
    try {
      this.#takeList();
      while (queue.length > 0) {
        const record = queue[queue.length - 1]!;
        record.unlist();
        const thrown = record.deliver();
        if (first === undefined) first = thrown;
        else if (thrown !== undefined) record.report(thrown.error);
        // Pop only now: until the callback begins, the next scan must find the record here. A
        // checkpoint in the callback may have popped it, or queued it again.
        if (queue[queue.length - 1] === record && !record.left.queued) {
          queue.pop();
        }
      }
      this.#lendListeners();
      // Last, since a delivery drains pipes, which may fail.
      this.#reportFailures();
    } catch (error) {
      this.owe();
      throw first === undefined ? error : first.error;
    }
    this.settle();
    return first;
  }

  /**
   * Queues the native list. Both have the newest first, so the end of the queue is the oldest
   * record of the newest batch.
   */
  #takeList(): void {
    if (this.left.chain !== 0) this.queueChain();
    this.left.chain = this.#memory.exchange(LIST, 0);
    this.queueChain();
  }

  /** Queues the rest of the chain. A record whose slot is released must not be on it. */
  queueChain(): void {
    while (this.left.chain !== 0) {
      const record = this.#records.get(this.left.chain)!;
      const next = record.memory.get(record.at + NEXT);
      record.left.queued = true;
      this.queue.push(record);
      this.left.chain = next;
    }
  }

  /** Makes the next checkpoint look at the queue. */
  owe(): void {
    if ((this.#memory.get(ATTENTION) & OWED) === 0) {
      this.#memory.xor(ATTENTION, OWED);
    }
  }

  /**
   * Clears OWED, so that a checkpoint is one read again, if nothing is left to do.
   *
   * @param begun its callback begins now, so it does not count as left.
   */
  settle(begun?: InterruptRecord): void {
    if ((this.#memory.get(ATTENTION) & OWED) === 0) return;
    const { queue } = this;
    const done = queue.length === 0 ||
      (queue.length === 1 && queue[0] === begun);
    // An exception may have ended a checkpoint in a callback before it took the list.
    const left = this.left.chain !== 0 || this.#memory.get(LIST) !== 0;
    if (!done || left || this.#hasFailed) return;
    this.#memory.xor(ATTENTION, OWED);
  }
}

/**
 * A realm has one agent per version of this module. All copies of the module in the realm find it
 * here: `import` and `require`, two installs, a bundle, `?query`, `--hot`. The realm holds it, so
 * that an Interrupt without references stays alive; nothing outside of the realm does.
 */
const key = Symbol.for(SONAME);
const realm = globalThis as unknown as { readonly [key]?: Agent };

let current: Agent | undefined;

/** The agent of this realm. The first call opens the native library. */
export function agent(): Agent {
  return current ??= agentIfOpen() ?? share(new Agent(load()));
}

export function agentIfOpen(): Agent | undefined {
  if (current !== undefined) return current;
  const found = realm[key];
  // Foreign code may have put something else there: then each copy has its own agent.
  return typeof found?.atCheckpoint === "function" ? current = found : undefined;
}

/** Lets other copies of the module find the agent. Does nothing in a frozen realm. */
function share(agent: Agent): Agent {
  Reflect.defineProperty(globalThis, key, { value: agent });
  return agent;
}

/**
 * The agent, if that needs no question to the user. A failure here is silent: the first Interrupt
 * reports it.
 */
export function openSilently(): Agent | undefined {
  const open = agentIfOpen();
  if (open !== undefined || !canLoadSilently()) return open;
  try {
    return agent();
  } catch {
    return undefined;
  }
}
