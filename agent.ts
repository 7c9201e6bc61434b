import {
  AGENT_BYTES,
  ATTENTION,
  CHUNK_SLOTS,
  LIST,
  LISTENERS_DUE,
  LOOK,
  PIPE_FAILURE,
  SLOT_BYTES,
  SONAME,
  WAKE_FAILURE,
  WAKING,
} from "./ffi/symbols.ts";
import type { Wake } from "./ffi/library.ts";
import { canLoadSilently, load, type Native } from "./ffi/load.ts";
import { checked, errorOf, InterruptError } from "./errors.ts";
import { type Words, wordsAt } from "./ffi/words.ts";
import type { InterruptRecord } from "./record.ts";
import { SignalListeners } from "./signal_listeners.ts";

/** Where native code leaves word of what failed, and what that was. */
const failures = [
  [WAKE_FAILURE, "Cannot wake this event loop"],
  [PIPE_FAILURE, "Cannot signal or drain a pipe"],
] as const;

/** This JavaScript realm, on its thread: the records it owns, and the wake of its event loop. */
export class Agent {
  readonly native: Native;
  /** Its realm has ended: nothing is delivered any more, and nothing opened. */
  ended = false;
  readonly #id: number;
  /** Whether records are read in memory, or by calls. */
  readonly poll: "memory" | "call";
  readonly signals: SignalListeners;
  /** The words of the agent, if they can be seen. */
  readonly view: Int32Array | undefined;
  /** What is an EventPipe, whatever copy of the module made it. */
  readonly pipes: WeakSet<object> = new WeakSet();
  readonly #words: Words;
  readonly #chunks = new Map<number, Words>();
  readonly #records = new Map<number, InterruptRecord>();
  /** By descriptor: it may be given to several Interrupts as a bare number. */
  readonly #sharers = new Map<number, Set<InterruptRecord>>();
  /** Taken off the native list and not yet delivered. Shared by nested scans: a callback may call checkpoint(). */
  #queue: InterruptRecord[] = [];
  #wake: Wake | undefined;
  #failure: InterruptError | undefined;
  /** The last that was reported of each kind: what goes on failing is reported once. */
  readonly #reported: number[] = [];
  #references = 0;
  #stopLooking: (() => void) | undefined;

  constructor(native: Native) {
    const { functions } = native;
    this.native = native;
    const handle = functions.agent_open();
    // A handle is below 2^53.
    const opened = checked(
      Number(BigInt.asIntN(64, handle)),
      "Cannot open an agent for this thread",
    );
    this.#id = opened % 2 ** 32;
    this.signals = new SignalListeners(native, this.#id, () => this.#look());
    this.#words = wordsAt(
      native,
      functions.agent_address(this.#id),
      AGENT_BYTES,
      handle,
    );
    this.view = this.#words.view;
    this.poll = this.view === undefined ? "call" : "memory";
    native.atRealmEnd?.(() => this.#end(handle));
  }

  /** What native calls name it by. */
  get id(): number {
    if (!this.ended) return this.#id;
    throw new InterruptError(
      "CLOSED",
      "Cannot open an Interrupt or an EventPipe: this realm has ended, with its unload event",
    );
  }

  /** Its place, and those of what it has open, are then those of others, so nothing here may look at them again. */
  #end(handle: bigint): void {
    this.ended = true;
    for (const record of this.#records.values()) record.abandon();
    this.#records.clear();
    this.#queue.length = 0;
    this.#stopLooking?.();
    this.#wake?.close?.();
    this.native.functions.agent_close(0n, handle);
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

  /** The loop is about to end. The wake does not keep it alive, so what is pending may not have had its turn: true then. */
  #lastTurn(): boolean {
    if (this.ended || this.#words.get(ATTENTION) === 0) return false;
    this.#turn();
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

  /** The words of a slot, and the index of its first. */
  wordsOf(slot: number): [Words, number] {
    const chunk = Math.floor(slot / CHUNK_SLOTS);
    const offset = slot % CHUNK_SLOTS;
    let words = this.#chunks.get(chunk);
    if (words === undefined) {
      const address = this.native.functions.record_address(slot) -
        BigInt(offset * SLOT_BYTES);
      words = wordsAt(this.native, address, CHUNK_SLOTS * SLOT_BYTES);
      this.#chunks.set(chunk, words);
    }
    return [words, offset * SLOT_BYTES / Int32Array.BYTES_PER_ELEMENT];
  }

  /** Makes the wake of the event loop, the first time. */
  openWake(): Wake {
    if (this.#failure !== undefined) throw this.#failure;
    return this.#wake ??= this.native.openWake(
      this.id,
      () => this.#turn(),
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

  #report(error: InterruptError): void {
    for (const record of [...this.#records.values()]) record.report(error);
  }

  #lendListeners(): void {
    if (this.#words.get(LISTENERS_DUE) === 0) return;
    this.#words.exchange(LISTENERS_DUE, 0);
    try {
      this.signals.lend();
    } catch (error) {
      this.#report(error as InterruptError);
    }
  }

  #reportFailures(): void {
    for (const [word, what] of failures) {
      // Kept until there is somebody to tell.
      if (this.#words.get(word) === 0 || this.#records.size === 0) continue;
      const status = this.#words.exchange(word, 0);
      const known = word === WAKE_FAILURE && this.#failure !== undefined;
      if (known || status === this.#reported[word]) continue;
      this.#reported[word] = status;
      this.#report(errorOf(status, what));
    }
  }

  /** Keeps the process alive until as many unref(). */
  ref(): void {
    if (this.#references === 0) this.openWake().ref();
    this.#references++;
  }

  unref(): void {
    if (--this.#references === 0) this.#wake!.unref();
  }

  /** WAKING stays: the wake is still on its way, and a busy loop is signalled again and again with no system call. */
  checkpoint(): void {
    if (this.ended) return;
    if ((this.#words.get(ATTENTION) & LOOK) === 0) return;
    this.#words.and(ATTENTION, WAKING);
    const thrown = this.#scan();
    if (thrown !== undefined) throw thrown.error;
  }

  /** The runtime calls its listeners for a signal: one of them may end the process before the loop turns. */
  #look(): void {
    if (this.ended) return;
    if ((this.#words.get(ATTENTION) & LOOK) === 0) return;
    this.#words.and(ATTENTION, WAKING);
    this.#scanAtTop();
  }

  /** The runtime has drained the wake's descriptor. Only then is the word cleared: the other way round loses a wakeup. */
  #turn(): void {
    if (this.ended) return;
    this.#words.exchange(ATTENTION, 0);
    this.#scanAtTop();
  }

  /** With no caller to throw to. */
  #scanAtTop(): void {
    const thrown = this.#scan();
    if (thrown !== undefined) thrown.record.report(thrown.error);
  }

  #scan(): { error: unknown; record: InterruptRecord } | undefined {
    this.#takeList();
    let first: { error: unknown; record: InterruptRecord } | undefined;
    for (
      let record = this.#queue.pop();
      record !== undefined;
      record = this.#queue.pop()
    ) {
      // What is left must be found by a checkpoint inside the callback.
      if (this.#queue.length > 0) this.#words.or(ATTENTION, LOOK);
      try {
        record.deliver();
      } catch (error) {
        if (first === undefined) first = { error, record };
        else record.report(error);
      }
    }
    this.#lendListeners();
    // Last: a delivery drains pipes.
    this.#reportFailures();
    return first;
  }

  /** The native list and the queue both have the newest first: the end of the queue is the oldest of the newest batch. */
  #takeList(): void {
    let slot = this.#words.exchange(LIST, 0);
    while (slot !== 0) {
      const record = this.#records.get(slot)!;
      this.#queue.push(record);
      slot = record.unlist();
    }
  }
}

/**
 * A realm has one agent of a version, found here by all copies of the module that it has: `import` and `require`, two
 * installs, a bundle, `?query`, `--hot`. The realm holds it, so that an Interrupt lives on that nobody refers to, and nothing
 * outside of the realm does.
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

/** The agent if it can be had now, without a question to the user. Whatever fails here is said when the first Interrupt is made. */
export function openSilently(): Agent | undefined {
  const open = agentIfOpen();
  if (open !== undefined || !canLoadSilently()) return open;
  try {
    return agent();
  } catch {
    return undefined;
  }
}
