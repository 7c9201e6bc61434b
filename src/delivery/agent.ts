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

/** Where native code leaves word of what failed, and what that was. */
const failures = [
  [WAKE_FAILURE, "Cannot wake this event loop"],
  [PIPE_FAILURE, "Cannot signal or drain a pipe"],
] as const;

/**
 * This JavaScript realm, on its thread: the records it owns, and the wake of its event loop.
 *
 * An exception may come out of every call and every turn of a loop: the stack is full, a `vm`
 * timeout passes (then not even `finally` runs). So each step leaves what is not yet handled where
 * the next one to look finds it, with OWED or NEEDS_SCAN set. What must not be torn is a call and
 * then a store, to `left`: a private property may have been lowered to a call, and JavaScriptCore's
 * first store to an object whose prototype has accessors may throw.
 */
export class Agent implements RecordOwner {
  readonly native: Native;
  /** Its realm has ended: nothing is delivered any more, and nothing opened. */
  ended = false;
  readonly #id: number;
  /** Whether records are read in memory, or by calls. */
  readonly poll: "memory" | "call";
  readonly signals: SignalListeners;
  /** The agent's memory, where a view of it can be had. */
  readonly view: Int32Array | undefined;
  /** What is an EventPipe, whatever copy of the module made it. */
  readonly pipes: WeakSet<object> = new WeakSet();
  readonly #memory: NativeMemory;
  readonly #chunks = new Map<number, NativeMemory>();
  readonly #records = new Map<number, InterruptRecord>();
  /** By descriptor: it may be given to several Interrupts as a bare number. */
  readonly #sharers = new Map<number, Set<InterruptRecord>>();
  /**
   * The slot of the first record that was taken off the native list and is not yet queued; 0 for
   * none.
   */
  readonly left = { chain: 0 };
  /** To be looked at, the last first. Shared by nested scans: a callback may call checkpoint(). */
  readonly queue: InterruptRecord[] = [];
  #wake: Wake | undefined;
  #failure: InterruptError | undefined;
  /** The last that was reported of each kind: what goes on failing is reported once. */
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

  /** What native calls name it by. */
  get id(): number {
    if (!this.ended) return this.#id;
    throw new InterruptError(
      "CLOSED",
      "Cannot open an Interrupt or an EventPipe: this realm has ended, with its unload event",
    );
  }

  /**
   * Its place, and those of what it has open, are then those of others, so nothing here may look at
   * them again.
   */
  #end(token: bigint): void {
    // A listener of the runtime may have ended the process before the loop has turned.
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
    this.#stopLooking?.();
    this.#stopLooking = undefined;
  }

  /**
   * The loop is about to end. The wake does not keep it alive, so what is pending may not have had
   * its turn: true then.
   */
  #lastTurn(): boolean {
    if (this.ended || this.#memory.get(ATTENTION) === 0) return false;
    this.#onWake();
    return true;
  }

  /** The records that share a pipe, by its read side. */
  sharersOf(readFd: number): Set<InterruptRecord> {
    let sharers = this.#sharers.get(readFd);
    if (sharers === undefined) {
      this.#sharers.set(readFd, sharers = new Set());
    }
    return sharers;
  }

  /** The memory of a slot, and the index of its first. */
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

  /** Makes the wake of the event loop, the first time. */
  openWake(): Wake {
    if (this.#failure !== undefined) throw this.#failure;
    return this.#wake ??= this.native.openWake(
      this.id,
      () => this.#onWake(),
      (cause) => this.#fail(cause),
    );
  }

  /** Other code has closed or replaced the descriptor of the wake. Checkpoints go on. */
  #fail(cause: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = new InterruptError(
      "BAD_FD",
      "Cannot wake this event loop any more: its wake socket failed: which code closes descriptors that are not its own?",
      { cause },
    );
    this.#report(this.#failure);
  }

  /** Once, with the first of those that are open. */
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
        // Told, then cleared: if an exception comes between, it is told again.
        const last = this.#memory.exchange(word, 0);
        status = last === status ? 0 : last;
      }
    }
  }

  /** Kept until there is somebody to tell. */
  get #hasFailed(): boolean {
    const memory = this.#memory;
    return (memory.get(WAKE_FAILURE) | memory.get(PIPE_FAILURE)) !== 0 &&
      this.#records.size > 0;
  }

  /** Keeps the process alive until as many unref(). */
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
  checkpoint(): void {
    if (!this.#begin()) return;
    const thrown = this.#scan();
    if (thrown !== undefined) throw thrown.error;
  }

  /**
   * The runtime calls its listeners for a signal: one of them may end the process before the loop
   * turns.
   */
  #look(): void {
    // What has no wake waits for a checkpoint.
    const wakes = (this.#memory.get(ATTENTION) & WAKE_SENT) !== 0;
    if (wakes && this.#begin()) this.#scanAtTop();
  }

  /** Whether there is something to look at. Then NEEDS_SCAN becomes OWED, in one step. */
  #begin(): boolean {
    const word = this.#memory.get(ATTENTION);
    if ((word & (NEEDS_SCAN | OWED)) === 0 || this.ended) return false;
    this.#memory.xor(ATTENTION, (word & NEEDS_SCAN) | (OWED & ~word));
    return true;
  }

  /**
   * The runtime has drained the wake's descriptor. Only then is the word cleared: the other way
   * round loses a wakeup.
   */
  #onWake(): void {
    if (this.ended) return;
    this.#memory.exchange(ATTENTION, OWED);
    this.#scanAtTop();
  }

  /** With no caller to throw to. */
  #scanAtTop(): void {
    try {
      const thrown = this.#scan();
      if (thrown !== undefined) thrown.record.report(thrown.error);
    } finally {
      // Left by an exception: the wake that was for them is spent.
      for (const record of this.queue) record.notify();
    }
  }

  /** What comes out of here by itself is the engine's: then somebody must look again. */
  #scan(): Thrown | undefined {
    const { queue } = this;
    let first: Thrown | undefined;
    try {
      this.#takeList();
      while (queue.length > 0) {
        const record = queue[queue.length - 1];
        record.unlist();
        const thrown = record.deliver();
        if (first === undefined) first = thrown;
        else if (thrown !== undefined) record.report(thrown.error);
        // Not before: until its callback begins it is to be found here. A checkpoint in that may
        // have taken it off, or left it here anew.
        if (queue[queue.length - 1] === record && !record.left.queued) {
          queue.pop();
        }
      }
      this.#lendListeners();
      // Last: a delivery drains pipes.
      this.#reportFailures();
    } catch (error) {
      this.owe();
      throw first === undefined ? error : first.error;
    }
    this.settle();
    return first;
  }

  /**
   * The native list and the queue both have the newest first: the end of the queue is the oldest of
   * the newest batch.
   */
  #takeList(): void {
    if (this.left.chain !== 0) this.queueChain();
    this.left.chain = this.#memory.exchange(LIST, 0);
    this.queueChain();
  }

  /** A record whose slot is given back must not be on the chain. */
  queueChain(): void {
    while (this.left.chain !== 0) {
      const record = this.#records.get(this.left.chain)!;
      const next = record.memory.get(record.at + NEXT);
      record.left.queued = true;
      this.queue.push(record);
      this.left.chain = next;
    }
  }

  /** The next checkpoint looks at what is queued. */
  owe(): void {
    if ((this.#memory.get(ATTENTION) & OWED) === 0) {
      this.#memory.xor(ATTENTION, OWED);
    }
  }

  /**
   * A checkpoint is one read again, unless there is more to do than `begun`, whose callback begins.
   */
  settle(begun?: InterruptRecord): void {
    if ((this.#memory.get(ATTENTION) & OWED) === 0) return;
    const { queue } = this;
    const done = queue.length === 0 ||
      (queue.length === 1 && queue[0] === begun);
    // A checkpoint in a callback may have been cut off before it took the list.
    const left = this.left.chain !== 0 || this.#memory.get(LIST) !== 0;
    if (!done || left || this.#hasFailed) return;
    this.#memory.xor(ATTENTION, OWED);
  }
}

/**
 * A realm has one agent of a version, found here by all copies of the module that it has: `import`
 * and `require`, two installs, a bundle, `?query`, `--hot`. The realm holds it, so that an
 * Interrupt lives on that nobody refers to, and nothing outside of the realm does.
 */
const key = Symbol.for(SONAME);
const realm = globalThis as unknown as { readonly [key]?: Agent };

let current: Agent | undefined;

/** The agent of this thread; the first call opens the native library. */
export function agent(): Agent {
  return current ??= agentIfOpen() ?? share(new Agent(load()));
}

export function agentIfOpen(): Agent | undefined {
  if (current !== undefined) return current;
  const found = realm[key];
  // Some other code may have put something else there: then each copy has its own.
  return typeof found?.checkpoint === "function" ? current = found : undefined;
}

/** Does nothing where the realm is frozen. */
function share(agent: Agent): Agent {
  Reflect.defineProperty(globalThis, key, { value: agent });
  return agent;
}

/**
 * The agent if it can be had now, without a question to the user. Whatever fails here is said when
 * the first Interrupt is made.
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
