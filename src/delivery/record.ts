import type { Native } from "../../ffi/load.ts";
import {
  BLOCKED,
  FLAG_PIPE,
  FLAG_PIPE_LAST,
  FLAG_WAKE,
  LISTED,
  PENDING,
} from "../../ffi/symbols.ts";
import { checked } from "../../ffi/errors.ts";
import type { NativeMemory } from "../../ffi/native_memory.ts";
import { isOnStack } from "./stack.ts";

/** How often in a row a callback runs at most. */
const MAX_RUNS_IN_A_ROW = 16;

/**
 * Of so many looks at a record whose callback runs, one asks whether it still does: that takes
 * microseconds.
 */
const TRUSTED_LOOKS = 256;

/**
 * What a callback threw, for the caller of what ran it: what comes out by itself is the engine's
 * own.
 */
export interface Thrown {
  readonly error: unknown;
  readonly record: InterruptRecord;
}

interface Left {
  /** Taken for the callback, which has not begun; 0 for none. */
  taken: number;
  /** On the owner's queue, and still listed for the native half: nobody puts it on the list. */
  queued: boolean;
  /** Nobody signals it any more. */
  retired: boolean;
}

/**
 * What a record needs of its owner: of the queue of all records of a realm, and of the native half.
 */
export interface RecordOwner {
  readonly id: number;
  readonly native: Native;
  /** To be looked at, the last first. */
  readonly queue: InterruptRecord[];
  /** Makes the wake of the event loop, the first time. */
  openWake(): unknown;
  /** The memory of a slot, and the index of its first. */
  memoryOf(slot: number): [NativeMemory, number];
  add(record: InterruptRecord): void;
  delete(record: InterruptRecord): void;
  /** The records that share a pipe, by its read side. */
  sharersOf(readFd: number): Set<InterruptRecord>;
  /** The next checkpoint looks at what is queued. */
  owe(): void;
  /** A callback begins: a checkpoint is one read again, unless there is more to do. */
  settle(begun: InterruptRecord): void;
  /**
   * Queues what was taken off the native list: a record whose slot is given back must not be on it.
   */
  queueChain(): void;
}

/**
 * The native record of one Interrupt, and its delivery: what the protocol says of a single record.
 */
export class InterruptRecord {
  readonly slot: number;
  /** The arg of its native functions: good until it is retired, never again after. */
  readonly token: bigint;
  readonly memory: NativeMemory;
  /** Index of its first word. */
  readonly at: number;
  /** The kernel was told to ignore the signal until it is handled. */
  rearms = false;
  closed = false;
  /** Those that write to the same pipe, this one among them. */
  #sharers: Set<InterruptRecord> | undefined;
  readonly #owner: RecordOwner;
  /** Gives what the callback threw, if that is for the caller. */
  readonly #handler: (value: number) => Thrown | undefined;
  readonly report: (error: unknown) => void;
  /**
   * What the steps of a delivery leave for the next to look: see Agent, for how it is stored too.
   */
  readonly left: Left = { taken: 0, queued: false, retired: false };
  /** Until proved otherwise: a `vm` timeout in the callback leaves it so. */
  #running = false;
  #looks = 0;
  /** The token of its EventPipe; 0 is nobody's. */
  #pipe = 0n;
  #pipeFlag = 0;
  #drainDue = false;
  /** Signals write no more, but may have: the next delivery drains. */
  #drainsOnce = false;

  constructor(
    owner: RecordOwner,
    wake: boolean,
    handler: (value: number) => Thrown | undefined,
    report: (error: unknown) => void,
  ) {
    if (wake) owner.openWake();
    const { functions } = owner.native;
    const opened = functions.record_open(owner.id, wake ? FLAG_WAKE : 0);
    // A token is below 2^53.
    const number = checked(
      Number(BigInt.asIntN(64, opened)),
      "Cannot open an Interrupt",
    );
    this.token = opened;
    this.slot = number % 2 ** 32;
    [this.memory, this.at] = owner.memoryOf(this.slot);
    this.#owner = owner;
    // Bun 1.4 takes functions of one name for one function in traces: see isOnStack().
    const name = { value: `Interrupt ${opened}` };
    this.#handler = Object.defineProperty(handler, "name", name);
    this.report = report;
    owner.add(this);
  }

  get pending(): number {
    return this.closed ? 0 : this.memory.load(this.at + PENDING) || this.left.taken;
  }

  get blocked(): number {
    return this.memory.get(this.at + BLOCKED);
  }

  block(): void {
    this.memory.set(this.at + BLOCKED, this.blocked + 1);
  }

  /** Gives whether something waits to be delivered. */
  unblock(): boolean {
    const depth = this.blocked - 1;
    const waits = depth === 0 && this.pending !== 0;
    // Whoever looked while it was blocked looks no more.
    if (waits) this.notify();
    this.memory.set(this.at + BLOCKED, depth);
    return waits;
  }

  /** Signals write to this EventPipe, by its token, once setPipe() says so. */
  usePipe(pipe: bigint, readFd: number): void {
    this.#pipe = pipe;
    this.#owner.native.functions.record_pipe(this.slot, pipe);
    this.#sharers = this.#owner.sharersOf(readFd);
    this.#sharers.add(this);
  }

  /** Nothing when there is none, or it was closed. */
  drainPipe(): void {
    this.#owner.native.functions.pipe_drain(this.#pipe);
  }

  /**
   * Whoever waits makes the emptied pipe readable again: one is enough, if it is sure to write, and
   * to this pipe.
   */
  refillPipe(waits: boolean): void {
    for (const other of this.#sharers ?? []) {
      if ((other === this && !waits) || other.pending === 0) continue;
      other.notify();
      const writes = other.#pipeFlag !== 0 && !other.left.retired;
      if (writes && other.#pipe === this.#pipe) return;
    }
  }

  /** Whether signals write to the pipe, and whether it is drained before the callback. */
  setPipe(writes: boolean, drains: boolean): void {
    const before = this.#pipeFlag;
    const flag = !writes ? 0 : drains ? FLAG_PIPE : FLAG_PIPE_LAST;
    if (flag === before) return;
    const { functions } = this.#owner.native;
    if (flag !== 0) functions.record_flag(this.slot, flag, 1);
    // Returns when the last write is made: whoever makes it lists the record.
    if (before !== 0) functions.record_flag(this.slot, before, 0);
    // What was written while nobody here drained it.
    if (flag === FLAG_PIPE) {
      this.drainPipe();
      this.refillPipe(true);
    }
    this.#drainsOnce = before === FLAG_PIPE && flag === 0;
    this.#pipeFlag = flag;
  }

  get #drains(): boolean {
    return this.#pipeFlag === FLAG_PIPE || this.#drainsOnce;
  }

  /** From here on whoever signals it puts it on the native list again. */
  unlist(): void {
    if (!this.left.queued) return;
    this.memory.exchange(this.at + LISTED, 0);
    this.left.queued = false;
  }

  signal(value: number): Thrown | undefined {
    const held = this.#running || this.blocked > 0;
    // Before it is pending: whoever signals then leaves this to the first. The one that runs goes
    // round again, but may be cut off. And delivered and drained at once, the pipe would only be
    // written to be read.
    const tells = this.#running ||
      (this.#pipeFlag !== 0 && (held || !this.#drains));
    if (tells && this.memory.get(this.at + PENDING) === 0) this.notify();
    if (held) {
      this.memory.exchange(this.at + PENDING, value);
      return undefined;
    }
    this.left.taken = value;
    // What waits is older.
    if (this.memory.get(this.at + PENDING) !== 0) {
      this.memory.exchange(this.at + PENDING, 0);
    }
    return this.deliver();
  }

  /** Makes the loop or the next checkpoint look at this record. */
  notify(): void {
    if (!this.left.retired) {
      this.#owner.native.functions.record_notify(this.slot);
    }
  }

  /**
   * Runs the handler as long as something is pending. Never re-entered: the one that runs goes
   * round again, but not for ever: whoever signals without a pause must not keep the others, and
   * the event loop, from their turn.
   */
  deliver(): Thrown | undefined {
    // A signaller that comes late writes the pipe after its value was taken: left readable, a loop
    // that watches it would spin.
    this.#drainDue = this.#drains;
    if (this.#running) {
      if (this.pending === 0 && !this.#drainDue) return undefined;
      if (this.#isRunning()) {
        // The one that runs goes round again, unless it is cut off: this look must not be the last.
        this.notify();
        return undefined;
      }
    }
    const { memory, at } = this;
    let runs = 0;
    try {
      while (!this.closed) {
        // A plain read, which is five times as fast: whoever makes it pending after this read
        // announces that.
        if (memory.get(at + PENDING) === 0 && this.left.taken === 0) {
          if (!this.#drainDue) return undefined;
          this.#drain();
        } else if (memory.get(at + BLOCKED) !== 0) {
          return undefined;
        } else if (runs++ === MAX_RUNS_IN_A_ROW) {
          // Whoever made it pending has told; but what that wrote to the pipe may have been
          // drained.
          if (this.#pipeFlag !== 0) this.notify();
          return undefined;
        } else {
          const thrown = this.#handle();
          if (thrown !== undefined) return thrown;
        }
      }
      return undefined;
    } catch (error) {
      if (this.left.taken !== 0) {
        this.#owner.queue.push(this);
        this.#owner.owe();
      }
      throw error;
    }
  }

  #isRunning(): boolean {
    if (this.#looks++ % TRUSTED_LOOKS !== 0) return true;
    this.#running = isOnStack(this.#handler);
    return this.#running;
  }

  #drain(): void {
    this.drainPipe();
    // That took the writes of all who share the pipe.
    this.refillPipe(this.blocked > 0);
    this.#drainDue = this.#drainsOnce = false;
  }

  #handle(): Thrown | undefined {
    // Drain, then take: what is signalled in between makes the pipe readable again.
    if (this.#drains) this.#drain();
    const newest = this.memory.exchange(this.at + PENDING, 0);
    if (newest !== 0) this.left.taken = newest;
    // Take, then rearm: an arrival in between belongs to this value, and nothing can leave the
    // signal ignored.
    if (this.rearms) this.#rearm();
    this.#looks = 0;
    this.#running = true;
    try {
      return this.#handler(this.left.taken);
    } finally {
      this.#running = false;
    }
  }

  /**
   * The callback begins: the value is its own. Nothing that may throw comes between this and its
   * call.
   */
  begin(): void {
    this.#owner.settle(this);
    this.left.taken = 0;
  }

  #rearm(): void {
    try {
      checked(
        this.#owner.native.functions.record_rearm(this.slot),
        "Cannot hear the signal again after it was handled",
      );
    } catch (error) {
      this.report(error);
    }
  }

  /** Its owner closes it, with all that it has. */
  abandon(): void {
    this.left.retired = this.closed = true;
  }

  /**
   * What is pending is delivered, once and even while blocked; unless the handler itself closes: it
   * ends there.
   */
  close(): void {
    if (this.closed) return;
    const { functions } = this.#owner.native;
    const runs = this.#running && isOnStack(this.#handler);
    if (!this.left.retired) {
      this.#owner.queueChain();
      functions.record_retire(this.slot);
      this.left.queued = false;
      this.left.retired = true;
    } else if (runs) {
      // Called again by the last callback.
      return;
    }
    if (!runs && this.pending !== 0) {
      const thrown = this.#handle();
      if (thrown !== undefined) this.report(thrown.error);
    } else if (this.#drains) {
      this.#drain();
    }
    this.#sharers?.delete(this);
    this.#owner.delete(this);
    // Never twice: the slot may be another's by then.
    this.closed = true;
    functions.record_release(this.slot);
  }
}
