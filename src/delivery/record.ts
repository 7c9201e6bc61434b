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

/** A callback runs at most this often in a row, so that others have their turn. */
const MAX_RUNS_IN_A_ROW = 16;

/**
 * While the callback of a record runs, only one in this many looks checks that it still does: the
 * check takes microseconds.
 */
const TRUSTED_LOOKS = 256;

/**
 * What a callback threw, to be thrown to the caller of whatever ran it. It is returned, so that an
 * exception which comes out by itself is known to be the engine's.
 */
export interface Thrown {
  readonly error: unknown;
  readonly record: InterruptRecord;
}

interface Left {
  /** The value that was taken for the callback, which has not begun; 0 for none. */
  taken: number;
  /** On the owner's queue. It still counts as listed, so the native side does not list it again. */
  queued: boolean;
  /** The native side accepts no more signals for it. */
  retired: boolean;
}

/** What a record needs of the agent that owns it. */
export interface RecordOwner {
  readonly id: number;
  readonly native: Native;
  /** The records still to be looked at; the next one is at the end. */
  readonly queue: InterruptRecord[];
  /** Opens the wake of the event loop; later calls return the same one. */
  openWake(): unknown;
  /** The memory that holds a slot, and the index of its first int32. */
  memoryOf(slot: number): [NativeMemory, number];
  add(record: InterruptRecord): void;
  delete(record: InterruptRecord): void;
  /** The records whose pipe has this read side. */
  sharersOf(readFd: number): Set<InterruptRecord>;
  /** Makes the next checkpoint look at the queue. */
  owe(): void;
  /** A callback begins: a checkpoint is one read again, if nothing else is left to do. */
  settle(begun: InterruptRecord): void;
  /**
   * Queues the records that were taken off the native list. A record whose slot is released must
   * not be on that chain.
   */
  queueChain(): void;
}

/**
 * The native record of one Interrupt, and its delivery: the part of the protocol that concerns a
 * single record.
 */
export class InterruptRecord {
  readonly slot: number;
  /**
   * What native functions take as `arg`. It is valid until the record is retired, and never again.
   */
  readonly token: bigint;
  readonly memory: NativeMemory;
  /** Index of its first int32 in `memory`. */
  readonly at: number;
  /** The kernel may have been told to ignore the signal: each handling rearms it. */
  rearms = false;
  closed = false;
  /** The records that write to the same pipe, including this one. */
  #sharers: Set<InterruptRecord> | undefined;
  readonly #owner: RecordOwner;
  /** Runs the callback; returns what it threw, if that is for the caller. */
  readonly #handler: (value: number) => Thrown | undefined;
  readonly report: (error: unknown) => void;
  /** What an interrupted delivery leaves to the next one. Agent says why it is a plain object. */
  readonly left: Left = { taken: 0, queued: false, retired: false };
  /**
   * Whether the handler is running. A `vm` timeout in the callback leaves this true: #isRunning()
   * finds out.
   */
  #running = false;
  #looks = 0;
  /** The token of its EventPipe; 0 is never one. */
  #pipe = 0n;
  #pipeFlag = 0;
  #drainDue = false;
  /**
   * Signals no longer write to the pipe, but may have written before: the next delivery drains it.
   */
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
    // Bun 1.4 treats functions of the same name as the same function in traces: see isOnStack().
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

  /** @returns whether a value is now to be delivered. */
  unblock(): boolean {
    const depth = this.blocked - 1;
    const waits = depth === 0 && this.pending !== 0;
    // A scan that found it blocked has unlisted it, so it must be notified anew.
    if (waits) this.notify();
    this.memory.set(this.at + BLOCKED, depth);
    return waits;
  }

  /** Makes signals write to the EventPipe with this token, once setPipe() turns that on. */
  usePipe(pipe: bigint, readFd: number): void {
    this.#pipe = pipe;
    this.#owner.native.functions.record_pipe(this.slot, pipe);
    this.#sharers = this.#owner.sharersOf(readFd);
    this.#sharers.add(this);
  }

  /** Does nothing if there is no pipe, or it was closed. */
  drainPipe(): void {
    this.#owner.native.functions.pipe_drain(this.#pipe);
  }

  /**
   * Draining a shared pipe hides the pending Interrupts that wrote to it. So this notifies them,
   * until one is certain to make this pipe readable again.
   *
   * @param waits whether this record counts as pending too.
   */
  refillPipe(waits: boolean): void {
    for (const other of this.#sharers ?? []) {
      if ((other === this && !waits) || other.pending === 0) continue;
      other.notify();
      const writes = other.#pipeFlag !== 0 && !other.left.retired;
      if (writes && other.#pipe === this.#pipe) return;
    }
  }

  /**
   * @param writes signals write to the pipe.
   * @param drains a delivery drains it before the callback.
   */
  setPipe(writes: boolean, drains: boolean): void {
    const before = this.#pipeFlag;
    const flag = !writes ? 0 : drains ? FLAG_PIPE : FLAG_PIPE_LAST;
    if (flag === before) return;
    const { functions } = this.#owner.native;
    if (flag !== 0) functions.record_flag(this.slot, flag, 1);
    // This returns after the last write to the pipe. The signaller that made it lists the record.
    if (before !== 0) functions.record_flag(this.slot, before, 0);
    // Drain what was written while deliveries did not drain.
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

  /** From here on, the next signal puts the record on the native list again. */
  unlist(): void {
    if (!this.left.queued) return;
    this.memory.exchange(this.at + LISTED, 0);
    this.left.queued = false;
  }

  signal(value: number): Thrown | undefined {
    const held = this.#running || this.blocked > 0;
    // Notify before the value is stored: once a value is pending, other signallers leave the
    // notifying to the first. This is needed while the callback runs, because that run may be ended
    // by an exception; and for a pipe, unless the value is delivered and the pipe drained right
    // here.
    const tells = this.#running ||
      (this.#pipeFlag !== 0 && (held || !this.#drains));
    if (tells && this.memory.get(this.at + PENDING) === 0) this.notify();
    if (held) {
      this.memory.exchange(this.at + PENDING, value);
      return undefined;
    }
    this.left.taken = value;
    // A pending value is older, so this one replaces it.
    if (this.memory.get(this.at + PENDING) !== 0) {
      this.memory.exchange(this.at + PENDING, 0);
    }
    return this.deliver();
  }

  /** Makes the event loop, or the next checkpoint, look at this record. */
  notify(): void {
    if (!this.left.retired) {
      this.#owner.native.functions.record_notify(this.slot);
    }
  }

  /**
   * Runs the handler while a value is pending. The handler is never re-entered: if it is running
   * already, that call handles the new value too. It runs at most MAX_RUNS_IN_A_ROW times: an
   * Interrupt that is signalled without a pause must leave a turn to the others and to the event
   * loop.
   */
  deliver(): Thrown | undefined {
    // A late signaller may write to the pipe after its value was taken. If the pipe stayed
    // readable, a loop that watches it would spin.
    this.#drainDue = this.#drains;
    if (this.#running) {
      if (this.pending === 0 && !this.#drainDue) return undefined;
      if (this.#isRunning()) {
        // The running call handles this value too, unless an exception ends it: then another look
        // is needed.
        this.notify();
        return undefined;
      }
    }
    const { memory, at } = this;
    let runs = 0;
    try {
      while (!this.closed) {
        // A plain read is five times as fast as an atomic one. It may miss a value that is stored
        // just now, but then its signaller notifies. On a processor that reorders memory this needs
        // the signaller to *swap* LISTED: if its swap came before that in unlist(), unlist() has
        // read what it wrote, and the value is seen here; if after, it lists the record again.
        // (verify/litmus/listed.litmus)
        if (memory.get(at + PENDING) === 0 && this.left.taken === 0) {
          if (!this.#drainDue) return undefined;
          this.#drain();
        } else if (memory.get(at + BLOCKED) !== 0) {
          return undefined;
        } else if (runs++ === MAX_RUNS_IN_A_ROW) {
          // The signaller has notified already. But its write to the pipe may have been drained.
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
    // That also took the writes of the others that share the pipe.
    this.refillPipe(this.blocked > 0);
    this.#drainDue = this.#drainsOnce = false;
  }

  #handle(): Thrown | undefined {
    // Drain, then take: a signal between the two makes the pipe readable again.
    if (this.#drains) this.#drain();
    const newest = this.memory.exchange(this.at + PENDING, 0);
    if (newest !== 0) this.left.taken = newest;
    // Take, then rearm: a signal that arrives between the two counts as part of this value, and no
    // order of events leaves the signal ignored.
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
   * The callback is about to begin: it now owns the value. Nothing that may throw may stand between
   * this and the call of the callback.
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

  /** The owner has closed the native side of all its records. */
  abandon(): void {
    this.left.retired = this.closed = true;
  }

  /**
   * A pending value is delivered once, even while blocked, unless the handler itself calls close():
   * its run is the last.
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
      // The last callback, which close() runs, has called close() again.
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
    // Never release twice: the slot may belong to another record by then.
    this.closed = true;
    functions.record_release(this.slot);
  }
}
