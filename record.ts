import type { Agent } from "./agent.ts";
import {
  BLOCKED,
  FLAG_PIPE,
  FLAG_PIPE_LAST,
  FLAG_WAKE,
  LISTED,
  NEXT,
  PENDING,
} from "./ffi/symbols.ts";
import { checked } from "./errors.ts";
import type { Words } from "./ffi/words.ts";

/** How often in a row a callback runs at most. */
const ROUNDS = 16;

/** The native record of one Interrupt, and its delivery: what the protocol says of a single record. */
export class InterruptRecord {
  readonly slot: number;
  /** The arg of its native functions: good until it is retired, never again after. */
  readonly handle: bigint;
  readonly words: Words;
  /** Index of its first word. */
  readonly at: number;
  /** The kernel was told to ignore the signal until it is handled. */
  rearms = false;
  closed = false;
  /** Those that write to the same pipe, this one among them. */
  #sharers: Set<InterruptRecord> | undefined;
  readonly #agent: Agent;
  readonly #handler: (value: number) => void;
  readonly report: (error: unknown) => void;
  #running = false;
  /** The handle of its EventPipe; 0 is nobody's. */
  #pipe = 0n;
  #pipeFlag = 0;
  #drainDue = false;
  /** Signals write no more, but may have: the next delivery drains. */
  #drainsOnce = false;
  #retired = false;

  constructor(
    agent: Agent,
    wake: boolean,
    handler: (value: number) => void,
    report: (error: unknown) => void,
  ) {
    if (wake) agent.openWake();
    const { functions } = agent.native;
    const opened = functions.record_open(agent.id, wake ? FLAG_WAKE : 0);
    // A handle is below 2^53.
    const handle = checked(
      Number(BigInt.asIntN(64, opened)),
      "Cannot open an Interrupt",
    );
    this.handle = opened;
    this.slot = handle % 2 ** 32;
    [this.words, this.at] = agent.wordsOf(this.slot);
    this.#agent = agent;
    this.#handler = handler;
    this.report = report;
    agent.add(this);
  }

  get pending(): number {
    return this.closed ? 0 : this.words.load(this.at + PENDING);
  }

  get blocked(): number {
    return this.words.get(this.at + BLOCKED);
  }

  block(): void {
    this.words.set(this.at + BLOCKED, this.blocked + 1);
  }

  unblock(): void {
    const depth = this.blocked - 1;
    this.words.set(this.at + BLOCKED, depth);
    if (depth === 0 && this.pending !== 0) this.deliver();
  }

  /** Signals write to this EventPipe, by its handle, once setPipe() says so. */
  usePipe(pipe: bigint, readFd: number): void {
    this.#pipe = pipe;
    this.#agent.native.functions.record_pipe(this.slot, pipe);
    this.#sharers = this.#agent.sharersOf(readFd);
    this.#sharers.add(this);
  }

  /** Nothing when there is none, or it was closed. */
  drainPipe(): void {
    this.#agent.native.functions.pipe_drain(this.#pipe);
  }

  /** Whoever waits makes the emptied pipe readable again: one is enough, if it is sure to write, and to this pipe. */
  refillPipe(waits: boolean): void {
    for (const other of this.#sharers ?? []) {
      if ((other === this && !waits) || other.pending === 0) continue;
      other.notify();
      const writes = other.#pipeFlag !== 0 && !other.#retired;
      if (writes && other.#pipe === this.#pipe) return;
    }
  }

  /** Whether signals write to the pipe, and whether it is drained before the callback. */
  setPipe(writes: boolean, drains: boolean): void {
    const before = this.#pipeFlag;
    this.#pipeFlag = !writes ? 0 : drains ? FLAG_PIPE : FLAG_PIPE_LAST;
    if (this.#pipeFlag === before) return;
    const { functions } = this.#agent.native;
    if (this.#pipeFlag !== 0) {
      functions.record_flag(this.slot, this.#pipeFlag, 1);
    }
    // Returns when the last write is made: whoever makes it lists the record.
    if (before !== 0) functions.record_flag(this.slot, before, 0);
    this.#drainsOnce = before === FLAG_PIPE && this.#pipeFlag === 0;
    // What was written while nobody here drained it.
    if (this.#pipeFlag === FLAG_PIPE) {
      this.drainPipe();
      this.refillPipe(true);
    }
  }

  get #drains(): boolean {
    return this.#pipeFlag === FLAG_PIPE || this.#drainsOnce;
  }

  /** Off the agent's list, which only its thread walks; gives the next one. */
  unlist(): number {
    // `next` first: as soon as it is not listed, a signaller may list it again and write `next`.
    const next = this.words.get(this.at + NEXT);
    this.words.exchange(this.at + LISTED, 0);
    return next;
  }

  signal(value: number): void {
    const held = this.#running || this.blocked > 0;
    const before = this.words.exchange(this.at + PENDING, value);
    // Delivered and drained at once, the pipe would only be written to be read.
    if (before === 0 && this.#pipeFlag !== 0 && (held || !this.#drains)) {
      this.notify();
    }
    if (!held) this.deliver();
  }

  /** Makes the loop or the next checkpoint look at this record. */
  notify(): void {
    if (!this.#retired) this.#agent.native.functions.record_notify(this.slot);
  }

  /**
   * Runs the handler as long as something is pending. Never re-entered: the one that runs goes round again, but not for
   * ever: whoever signals without a pause must not keep the others, and the event loop, from their turn.
   */
  deliver(): void {
    // A signaller that comes late writes the pipe after its value was taken: left readable, a loop that watches it would spin.
    this.#drainDue = this.#drains;
    if (this.#running) return;
    const { words, at } = this;
    let rounds = 0;
    while (!this.closed) {
      // A plain read, which is five times as fast: whoever makes it pending after this read announces that.
      if (words.get(at + PENDING) === 0) {
        if (!this.#drainDue) return;
        this.#drain();
      } else if (words.get(at + BLOCKED) !== 0) {
        return;
      } else if (rounds++ === ROUNDS) {
        this.notify();
        return;
      } else {
        this.#handle();
      }
    }
  }

  #drain(): void {
    this.#drainDue = this.#drainsOnce = false;
    this.drainPipe();
    // That took the writes of all who share the pipe.
    this.refillPipe(this.blocked > 0);
  }

  #handle(): void {
    // Drain, then take: what is signalled in between makes the pipe readable again.
    if (this.#drains) this.#drain();
    const value = this.words.exchange(this.at + PENDING, 0);
    // Take, then rearm: an arrival in between belongs to this value, and nothing can leave the signal ignored.
    if (this.rearms) this.#rearm();
    this.#running = true;
    let returned = false;
    try {
      this.#handler(value);
      returned = true;
    } finally {
      this.#running = false;
      // The callback threw: deliver() will not go round again, so somebody else must.
      if (!returned && (this.pending !== 0 || this.#drainDue)) this.notify();
    }
  }

  #rearm(): void {
    try {
      checked(
        this.#agent.native.functions.record_rearm(this.slot),
        "Cannot hear the signal again after it was handled",
      );
    } catch (error) {
      this.report(error);
    }
  }

  /** Its agent closes it, with all that it has. */
  abandon(): void {
    this.#retired = this.closed = true;
  }

  /** What is pending is delivered, once and even while blocked; unless the handler itself closes: it ends there. */
  close(): void {
    if (this.#retired) return;
    const { functions } = this.#agent.native;
    this.#retired = true;
    functions.record_retire(this.slot);
    if (!this.#running && this.pending !== 0) {
      try {
        this.#handle();
      } catch (error) {
        this.report(error);
      }
    } else if (this.#drains) {
      this.#drain();
    }
    this.closed = true;
    this.#sharers?.delete(this);
    this.#agent.delete(this);
    functions.record_release(this.slot);
  }
}
