/**
 * What Interrupt and EventPipe promise, as plain objects without memory, threads or descriptors.
 * The methods have the names of the real ones, so that the same code can use both.
 */

import { type Interrupt, InterruptError, type WaitOptions } from "../../mod.ts";

/** What a callback does, in this order, unless its value is -1. */
export const reactions = [
  "ref",
  "wait",
  "signal",
  "native",
  "handle",
  "scope",
  "block",
  "close",
  "throw",
] as const;
export type Reaction = typeof reactions[number];

/** The options of an Interrupt that matter here. */
export interface Options<Pipe> {
  /** What the JavaScript callback does. */
  reactions: readonly Reaction[];
  callbacks: "JavaScript" | "native" | "both";
  signal?: number;
  signalHysteresis: boolean;
  chain: boolean;
  /** An EventPipe, or descriptors of the caller's. */
  pipe?: Pipe;
  pipeAutodrain: boolean;
  wake: boolean;
  rethrow: boolean;
}

/** The kinds of descriptors that a caller may give. */
export const kinds = ["pipe", "socketpair", "eventfd"] as const;
export type Kind = typeof kinds[number];

/** The calls of a native callback. */
export interface NativeCalls {
  count: number;
  /** The value of the last call. */
  last: number;
}

/** The error that callbacks of the Interrupt with this number throw. */
export class Boom extends Error {
  constructor(readonly id: number) {
    super(`${id}`);
  }
}

/** Interrupts and pipes, real or modelled, and what their callbacks did. */
export abstract class World<
  I extends
    & Pick<
      Interrupt,
      "signal" | "handle" | "scopeBlock" | "block" | "close" | "wait"
    >
    & { ref(): unknown },
  P,
  F,
  D,
> {
  readonly interrupts: I[] = [];
  readonly pipes: P[] = [];
  /**
   * The files behind the caller's descriptors. The tests keep duplicates of these descriptors, to
   * look at the files.
   */
  readonly files: F[] = [];
  readonly descriptors: D[] = [];
  readonly iterators: AsyncIterator<number>[] = [];
  readonly controllers: AbortController[] = [];
  /** [number of the Interrupt, value, the native calls before it], or what was thrown. */
  trace: [id: number, what: number | string, native?: NativeCalls][] = [];
  /** [what it is ordered by, promise, what it settled with]. */
  settled: [order: string, promise: string, what: unknown][] = [];
  opened = 0;
  readonly #promises = new Map<string, number>();

  /** The order in which several wait() of one Interrupt settle is not promised. */
  wait(interrupt: I, options?: WaitOptions): void {
    const owner = `interrupt ${this.interrupts.indexOf(interrupt)}`;
    this.#follow(interrupt.wait(options), owner, false);
  }

  /** The promises of one iterator settle in order. */
  iterate(
    iterator: AsyncIterator<number>,
    method: "next" | "return",
  ): void {
    const owner = `iterator ${this.iterators.indexOf(iterator)}`;
    this.#follow(iterator[method]!(), owner, true);
  }

  /** Records how a promise settles. */
  #follow(promise: Promise<unknown>, owner: string, ordered: boolean): void {
    const number = this.#promises.get(owner) ?? 0;
    this.#promises.set(owner, number + 1);
    const name = `${owner}, promise ${number}`;
    const settle = (what: unknown) => this.settled.push([ordered ? owner : name, name, what]);
    promise.then(settle, (error) => settle(nameOf(error)));
  }

  /** Calls the signalFunc() that the Interrupt had when it was new. */
  abstract native(interrupt: I, value: number): void;

  /** How often the native callback of the Interrupt with this number was called. */
  abstract nativeCalls(id: number): NativeCalls;

  callback(
    interrupt: I,
    id: number,
    value: number,
    reactions: readonly Reaction[],
  ): void {
    this.trace.push([id, value, this.nativeCalls(id)]);
    if (value === -1) return;
    for (const reaction of reactions) {
      if (reaction === "ref") interrupt.ref();
      else if (reaction === "wait") this.wait(interrupt);
      else if (reaction === "signal") interrupt.signal(-1);
      else if (reaction === "native") this.native(interrupt, -1);
      else if (reaction === "handle") interrupt.handle();
      else if (reaction === "scope") {
        const scope = interrupt.scopeBlock();
        interrupt.signal(-1);
        scope[Symbol.dispose]();
      } else if (reaction === "block") interrupt.block();
      else if (reaction === "close") interrupt.close();
      else throw new Boom(id);
    }
  }

  report(error: unknown): void {
    this.trace.push(
      error instanceof Boom ? [error.id, "threw"] : [-1, String(error)],
    );
  }
}

/** The part of an error that model and reality share. */
export function nameOf(error: unknown): unknown {
  if (error instanceof InterruptError) return error.code;
  return error instanceof Error ? error.constructor.name : error;
}

/** A descriptor that is readable or not; undefined means that the promises leave it open. */
export class ModelPipe {
  readable: boolean | undefined = false;
  closed = false;
  readonly users = new Set<ModelInterrupt>();

  signal(): void {
    this.open();
    this.readable = true;
  }

  drain(): void {
    this.open();
    this.readable = false;
  }

  renew(): void {
    this.drain();
  }

  wait(timeoutMs = Infinity): boolean | undefined {
    this.open();
    if (typeof timeoutMs !== "number") throw new TypeError();
    if (Number.isNaN(timeoutMs) || timeoutMs < 0) throw new RangeError();
    return this.readable;
  }

  /** Calls its signalFunc() or drainFunc(). */
  native(which: "signal" | "drain"): void {
    if (!this.closed) this.readable = which === "signal";
  }

  close(): void {
    this.closed = true;
  }

  open(): void {
    if (this.closed) throw new InterruptError("CLOSED", "");
  }

  /** After an Interrupt has drained it: other pending Interrupts keep it readable. */
  settle(): void {
    this.readable = this.waits;
  }

  get waits(): boolean {
    return [...this.users].some((user) => user.writes && user.pending !== 0);
  }
}

/**
 * The two descriptors that the caller has for a file; both sides of an eventfd have the same
 * number.
 */
export class ModelDescriptors {
  readonly #closed = new Set<0 | 1>();

  constructor(readonly kind: Kind, public file: ModelPipe) {}

  close(side: 0 | 1): void {
    this.#closed.add(side);
  }

  get closed(): boolean {
    return this.#closed.size > 0;
  }

  open(): void {
    if (this.closed) throw new InterruptError("BAD_FD", "");
  }
}

/** Each value answers one next(), whether the value or the call comes first. */
class ModelIterator implements AsyncIterator<number> {
  readonly #values: number[] = [];
  readonly #asked: ((result: IteratorResult<number>) => void)[] = [];
  #done = false;

  get waits(): boolean {
    return this.#asked.length > 0;
  }

  next(): Promise<IteratorResult<number>> {
    return new Promise((resolve) => {
      this.#asked.push(resolve);
      this.#answer();
    });
  }

  return(): Promise<IteratorResult<number>> {
    this.#values.length = 0;
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  handled(value: number): void {
    if (!this.#done) this.#values.push(value);
    this.#answer();
  }

  end(): void {
    this.#done = true;
    this.#answer();
  }

  #answer(): void {
    while (this.waits && (this.#values.length > 0 || this.#done)) {
      const value = this.#values.shift();
      this.#asked.shift()!(
        value === undefined ? { done: true, value } : { done: false, value },
      );
    }
  }
}

/** One Interrupt. */
export class ModelInterrupt {
  pending = 0;
  depth = 0;
  closed = false;
  #closing = false;
  #running = false;
  /** The callback called handle(), so drain once more after it has returned. */
  #drainDue = false;
  #pipe: ModelPipe | undefined;
  #enabled = true;
  #autodrain: boolean;
  #hysteresis: boolean;
  /** Whether signals write to the pipe, as of the last change. */
  writes = false;
  /**
   * The pipe was disabled, but may still contain a write of this Interrupt; undefined means that
   * this write may have been drained since.
   */
  #drainsOnce: boolean | undefined = false;
  #drainsAlways = false;
  readonly #waits = new Set<
    { resolve(value: number): void; reject(error: unknown): void }
  >();
  readonly #iterators: ModelIterator[] = [];

  constructor(
    readonly id: number,
    readonly options: Options<ModelPipe | ModelDescriptors>,
    readonly world: ModelWorld,
  ) {
    this.#autodrain = options.pipeAutodrain;
    this.#hysteresis = options.signalHysteresis;
    const { pipe } = options;
    if (pipe !== undefined) {
      pipe.open();
      this.#use(pipe instanceof ModelPipe ? pipe : pipe.file);
    }
    if (options.signal !== undefined) world.ignored.delete(options.signal);
  }

  get pipe(): ModelPipe | undefined {
    return this.#pipe;
  }

  /**
   * The Interrupt was handled before a checkpoint or the event loop scanned it, so that scan may
   * drain the pipe once more.
   */
  scanned(): void {
    this.#drainsOnce &&= undefined;
  }

  /** Whether the next delivery drains the pipe. */
  get drains(): boolean {
    return this.#drainsAlways || this.#drainsOnce !== false;
  }

  get blocked(): boolean {
    return !this.closed && this.depth > 0;
  }

  /** Whether a POSIX signal signals this Interrupt. */
  hooks(signal: number): boolean {
    return !this.#closing && this.options.signal === signal;
  }

  signal(value = 1): void {
    if (!Number.isInteger(value)) throw new TypeError();
    if (value < -(2 ** 31) || value >= 2 ** 31) throw new RangeError();
    this.open();
    const held = this.#running || this.depth > 0;
    const wasIdle = this.pending === 0;
    this.pending = value || 1;
    // Otherwise it is delivered and drained at once.
    if (wasIdle && (held || !this.drains)) this.#write();
    if (!held) this.deliver();
  }

  /** Calls its signalFunc(). */
  nativeSignal(value: number): boolean {
    if (this.#closing) return false;
    const wasIdle = this.pending === 0;
    this.pending = value || 1;
    if (wasIdle) this.#write();
    return true;
  }

  nativeBlock(): void {
    if (!this.#closing) this.depth++;
  }

  nativeUnblock(): void {
    if (this.#closing || this.depth === 0) return;
    if (--this.depth === 0 && this.pending !== 0) this.#write();
  }

  handle(): void {
    this.open();
    this.deliver();
  }

  block(): void {
    this.open();
    this.depth++;
  }

  unblock(): void {
    this.open();
    if (this.depth === 0) throw new InterruptError("UNBALANCED_UNBLOCK", "");
    if (--this.depth > 0 || this.pending === 0) return;
    // If an exception prevents the delivery, the pipe must show that a value is pending.
    this.#write();
    this.deliver();
  }

  scopeBlock(): Disposable {
    this.block();
    let done = false;
    return {
      [Symbol.dispose]: () => {
        if (!done && !this.closed) this.unblock();
        done = true;
      },
    };
  }

  get pipeFileno(): number {
    this.open();
    if (this.#pipe === undefined) this.#use(new ModelPipe());
    this.#pipe!.open();
    return 0;
  }

  pipeEnable(): void {
    this.open();
    this.#enabled = true;
    this.#update();
  }

  pipeDisable(): void {
    this.open();
    this.#enabled = false;
    this.#update();
  }

  get pipeAutodrain(): boolean {
    return this.#autodrain;
  }

  set pipeAutodrain(on: boolean) {
    this.open();
    this.#autodrain = on;
    this.#update();
  }

  get signalHysteresis(): boolean {
    return this.#hysteresis;
  }

  set signalHysteresis(on: boolean) {
    this.open();
    this.#hysteresis = on;
    if (this.options.signal !== undefined) {
      this.world.ignored.delete(this.options.signal);
    }
  }

  pipeDrain(): void {
    this.open();
    if (this.#pipe !== undefined) this.#pipe.readable = false;
  }

  postFork(): void {
    this.open();
    if (this.#pipe === undefined) return;
    const { pipe } = this.options;
    if (pipe instanceof ModelDescriptors) {
      pipe.open();
      const { users } = pipe.file;
      pipe.file = this.world.addFile();
      for (const user of users) {
        user.#pipe = pipe.file;
        pipe.file.users.add(user);
      }
      users.clear();
    } else {
      this.#pipe.renew();
    }
    this.#pipe.settle();
  }

  wait({ signal }: WaitOptions = {}): Promise<number> {
    return new Promise((resolve, reject) => {
      this.open();
      signal?.throwIfAborted();
      const wait = { resolve, reject };
      this.#waits.add(wait);
      signal?.addEventListener("abort", () => {
        this.#waits.delete(wait);
        reject(signal.reason);
      });
    });
  }

  [Symbol.asyncIterator](): AsyncIterator<number> {
    this.open();
    const iterator = new ModelIterator();
    this.#iterators.push(iterator);
    return iterator;
  }

  /** From inside the process its lifetime cannot be seen. */
  ref(): this {
    this.open();
    return this;
  }

  unref(): this {
    return this;
  }

  /** The event loop must deliver what is pending. */
  get due(): boolean {
    const wakes = this.options.wake || this.#waits.size > 0 ||
      this.#iterators.some(({ waits }) => waits);
    return this.ready && wakes;
  }

  /** The event loop may deliver what is pending. */
  get ready(): boolean {
    return this.pending !== 0 && this.depth === 0;
  }

  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    const { signal } = this.options;
    if (signal !== undefined && this.world.readers(signal).length === 0) {
      this.world.ignored.delete(signal);
    }
    if (!this.#running && this.pending !== 0) {
      try {
        this.#handle();
      } catch (error) {
        this.world.report(error);
      }
    }
    this.closed = true;
    this.pending = 0;
    this.#pipe?.users.delete(this);
    if (this.drains) this.#drain();
    for (const { reject } of this.#waits) {
      reject(new InterruptError("CLOSED", ""));
    }
    for (const iterator of this.#iterators) iterator.end();
  }

  /** Runs the callback until nothing is pending, but never inside itself. */
  deliver(): void {
    this.#drainDue = this.drains;
    if (this.#running) return;
    while (!this.closed && this.pending !== 0 && this.depth === 0) {
      this.#handle();
    }
    if (this.#drainDue && this.pending === 0 && !this.closed) {
      this.#drain();
    }
  }

  #drain(): void {
    const pipe = this.#pipe!;
    if (this.#drainsAlways || this.#drainsOnce) pipe.settle();
    else if (pipe.readable !== pipe.waits) pipe.readable = undefined;
    this.#drainDue = this.#drainsOnce = false;
  }

  #handle(): void {
    const value = this.pending;
    this.pending = 0;
    this.#drainDue = false;
    if (this.drains) this.#drain();
    const { signal, rethrow, callbacks, reactions } = this.options;
    if (signal !== undefined && this.#hysteresis && !this.#closing) {
      this.world.ignored.delete(signal);
    }
    for (const { resolve } of this.#waits) resolve(value);
    this.#waits.clear();
    for (const iterator of this.#iterators) iterator.handled(value);
    this.#running = true;
    if (callbacks !== "JavaScript") this.world.nativeCallback(this.id, value);
    try {
      if (callbacks !== "native") {
        this.world.callback(this, this.id, value, reactions);
      }
    } catch (error) {
      if (rethrow) {
        // The next checkpoint drains it.
        if (this.#drainDue && this.drains && !this.#pipe!.readable) {
          this.#pipe!.readable = undefined;
        }
        throw error;
      }
      this.world.report(error);
    } finally {
      this.#running = false;
    }
  }

  #use(pipe: ModelPipe): void {
    this.#pipe = pipe;
    pipe.users.add(this);
    this.#update();
  }

  #update(): void {
    const writes = this.#pipe !== undefined && this.#enabled;
    const drainsAlways = writes && this.#autodrain;
    if (writes === this.writes && drainsAlways === this.#drainsAlways) return;
    this.#drainsOnce = this.#drainsAlways && !writes;
    this.writes = writes;
    this.#drainsAlways = drainsAlways;
    if (drainsAlways) this.#pipe!.settle();
    else if (this.pending !== 0) this.#write();
  }

  #write(): void {
    if (this.writes && !this.#closing) this.#pipe!.readable = true;
  }

  open(): void {
    if (this.closed) throw new InterruptError("CLOSED", "");
  }
}

/** Everything that JavaScript can see. */
export class ModelWorld extends World<ModelInterrupt, ModelPipe, ModelPipe, ModelDescriptors> {
  /** The signals that the kernel ignores until they are handled. */
  readonly ignored = new Set<number>();
  readonly #nativeCalls = new Map<number, NativeCalls>();

  open(options: Options<ModelPipe | ModelDescriptors>): void {
    const id = this.opened++;
    this.interrupts.push(new ModelInterrupt(id, options, this));
  }

  openPipe(): void {
    this.pipes.push(new ModelPipe());
  }

  openFile(kind: Kind): void {
    this.descriptors.push(new ModelDescriptors(kind, this.addFile()));
  }

  addFile(): ModelPipe {
    const file = new ModelPipe();
    this.files.push(file);
    return file;
  }

  readFile(file: ModelPipe): void {
    file.drain();
  }

  fillFile(file: ModelPipe): void {
    file.signal();
  }

  closeAll(): void {
    for (const interrupt of this.interrupts) interrupt.close();
    for (const pipe of this.pipes) pipe.close();
    this.files.length = 0;
  }

  postFork(interrupt: ModelInterrupt): void {
    interrupt.postFork();
  }

  /** In the real world this checks that the functions are still the same. */
  functions(interrupt: ModelInterrupt): void {
    interrupt.open();
  }

  word(interrupt: ModelInterrupt, _which: "cVar" | "buffer"): number {
    interrupt.open();
    return interrupt.pending;
  }

  nativeCallback(id: number, value: number): void {
    const { count } = this.nativeCalls(id);
    this.#nativeCalls.set(id, { count: count + 1, last: value });
  }

  nativeCalls(id: number): NativeCalls {
    return this.#nativeCalls.get(id) ?? { count: 0, last: 0 };
  }

  native(interrupt: ModelInterrupt, value: number): void {
    interrupt.nativeSignal(value);
  }

  nativeBlock(interrupt: ModelInterrupt): void {
    interrupt.nativeBlock();
  }

  nativeUnblock(interrupt: ModelInterrupt): void {
    interrupt.nativeUnblock();
  }

  nativePipe(pipe: ModelPipe, which: "signal" | "drain"): void {
    pipe.native(which);
  }

  /** In the real world this checks that the functions are still the same. */
  pipeFunctions(pipe: ModelPipe): void {
    pipe.open();
  }

  waitFor(pipe: ModelPipe, timeoutMs?: number): boolean | undefined {
    return pipe.wait(timeoutMs);
  }

  send(interrupt: ModelInterrupt, value: number): boolean {
    return interrupt.nativeSignal(value);
  }

  readers(signal: number): ModelInterrupt[] {
    return this.interrupts.filter((interrupt) => interrupt.hooks(signal));
  }

  kill(signal: number): void {
    const readers = this.readers(signal);
    if (this.ignored.has(signal)) return;
    if (readers.every((reader) => reader.signalHysteresis)) {
      this.ignored.add(signal);
    }
    for (const reader of readers) reader.nativeSignal(signal);
  }

  checkpoint(): void {
    const settlePipes = this.scan();
    let first: { error: unknown } | undefined;
    for (const interrupt of this.interrupts) {
      if (interrupt.pending === 0) continue;
      try {
        interrupt.deliver();
      } catch (error) {
        if (first === undefined) first = { error };
        else this.report(error);
      }
    }
    settlePipes();
    if (first !== undefined) throw first.error;
  }

  /**
   * The event loop delivers what is due. It may also deliver what it was not woken for: `did` says
   * whether it has.
   */
  turn(did: (interrupt: ModelInterrupt) => boolean): void {
    for (const interrupt of this.interrupts) {
      while (interrupt.due || (interrupt.ready && did(interrupt))) {
        try {
          interrupt.deliver();
        } catch (error) {
          this.report(error);
        }
      }
    }
  }

  /** Call it before deliveries whose order is not promised, and call what it returns after them. */
  scan(): () => void {
    const pipesOf = (drains: boolean) =>
      new Set(
        this.interrupts.filter((it) => (it.writes || it.drains) && it.drains === drains)
          .map((it) => it.pipe!),
      );
    const drained = pipesOf(true);
    const kept = pipesOf(false);
    return () => {
      for (const interrupt of this.interrupts) interrupt.scanned();
      // Likewise for pipes, because an Interrupt that drains may come before one that keeps the
      // pipe readable.
      for (const pipe of drained) {
        if (pipe.readable !== pipe.waits || (kept.has(pipe) && !pipe.waits)) {
          pipe.readable = undefined;
        }
      }
    };
  }
}
