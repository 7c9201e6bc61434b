/** Does with real Interrupts and EventPipes what fuzz.ts does with the model. */

import assert from "node:assert/strict";
import process from "node:process";
import { checkpoint, EventPipe, Interrupt } from "../../mod.ts";
import type { NativeFunction } from "../../mod.ts";
import { makePipe, makeSocketpair, memory, testkit } from "../support/testkit.ts";
import { type Kind, type NativeCalls, type Options, World } from "./fuzz_model.ts";
import { SIGRT6, SIGURG, SIGUSR2 } from "../support/signals.ts";

export const signals = [SIGUSR2, SIGURG, SIGRT6];

type Functions = Record<"signal" | "block" | "unblock", NativeFunction>;
type PipeFunctions = Record<"signal" | "drain", NativeFunction>;
type Ends = [readFd: number, writeFd: number];

/** A number that no descriptor has. */
export const noFd = 2 ** 30;

class Descriptors {
  /** The descriptors that are still open. */
  readonly fds: Ends;

  constructor(readonly kind: Kind, readonly given: Readonly<Ends>) {
    this.fds = [...given];
  }

  close(side: 0 | 1): void {
    const fd = this.fds[side];
    if (fd !== noFd) testkit.close(fd);
    for (const side of [0, 1]) if (this.fds[side] === fd) this.fds[side] = noFd;
  }
}

export class RealWorld extends World<Interrupt, EventPipe, Ends, Descriptors> {
  readonly #given = new Map<Interrupt, Descriptors>();
  readonly #functions = new Map<Interrupt, Functions>();
  readonly #words = new Map<Interrupt, Int32Array[]>();
  readonly #callsBefore = nativeCounts();
  readonly #pipeFunctions = new Map<EventPipe, PipeFunctions>();

  open(
    { reactions, callbacks, pipe, ...options }: Options<
      EventPipe | Descriptors
    >,
  ): void {
    const id = this.opened++;
    const callback = (value: number) => this.callback(interrupt, id, value, reactions);
    const nativeCallback = {
      func: testkit.callback_address(),
      arg: BigInt(id),
    };
    const interrupt = new Interrupt({
      ...options,
      pipe: pipe instanceof Descriptors ? pipe.fds : pipe,
      ...callbacks !== "native" && { callback },
      ...callbacks !== "JavaScript" && { nativeCallback },
    });
    this.interrupts.push(interrupt);
    this.#functions.set(interrupt, functionsOf(interrupt));
    const words = Object.values(wordOf).map((of) => of(interrupt));
    this.#words.set(interrupt, words);
    if (pipe instanceof Descriptors) this.#given.set(interrupt, pipe);
  }

  openFile(kind: Kind): void {
    const fds = makeDescriptors(kind);
    this.descriptors.push(new Descriptors(kind, fds));
    this.#addFile(fds);
  }

  #addFile([readFd, writeFd]: Ends): void {
    const ends = [testkit.duplicate(readFd), testkit.duplicate(writeFd)];
    this.files.push(ends as Ends);
  }

  readFile([readFd]: Ends): void {
    while (testkit.read(readFd) > 0);
  }

  fillFile([, writeFd]: Ends): void {
    testkit.fill(writeFd);
  }

  /** Closes the descriptors last, because Interrupts do not need them. */
  closeAll(): void {
    for (const interrupt of this.interrupts) interrupt.close();
    for (const pipe of this.pipes) pipe.close();
    for (const descriptors of this.descriptors) {
      descriptors.close(0);
      descriptors.close(1);
    }
    for (const fd of this.files.splice(0).flat()) testkit.close(fd);
  }

  postFork(interrupt: Interrupt): void {
    interrupt.postFork();
    const given = this.#given.get(interrupt);
    if (given !== undefined) this.#addFile(given.fds);
  }

  /** The number of the read side, if the caller gave it. */
  givenFd(interrupt: Interrupt): number | undefined {
    return this.#given.get(interrupt)?.given[0];
  }

  functions(interrupt: Interrupt): void {
    assert.deepEqual(functionsOf(interrupt), this.#functions.get(interrupt));
  }

  word(interrupt: Interrupt, which: "cVar" | "buffer"): number {
    return wordOf[which](interrupt)[0]!;
  }

  /** Reads the words that the Interrupt had when it was new. */
  words(interrupt: Interrupt): number[] {
    return this.#words.get(interrupt)!.map(([word]) => word!);
  }

  nativeCalls(id: number): NativeCalls {
    const count = testkit.callback_count(id) - this.#callsBefore[id]!;
    return { count, last: count === 0 ? 0 : testkit.callback_value(id) };
  }

  openPipe(): void {
    const pipe = new EventPipe();
    this.pipes.push(pipe);
    this.#pipeFunctions.set(pipe, {
      signal: pipe.signalFunc(),
      drain: pipe.drainFunc(),
    });
  }

  native(interrupt: Interrupt, value: number): void {
    const { func, arg } = this.#functions.get(interrupt)!.signal;
    testkit.call_value(func, arg, value);
  }

  nativeBlock(interrupt: Interrupt): void {
    const { func, arg } = this.#functions.get(interrupt)!.block;
    testkit.call(func, arg);
  }

  nativeUnblock(interrupt: Interrupt): void {
    const { func, arg } = this.#functions.get(interrupt)!.unblock;
    testkit.call(func, arg);
  }

  nativePipe(pipe: EventPipe, which: "signal" | "drain"): void {
    const { func, arg } = this.#pipeFunctions.get(pipe)![which];
    testkit.call(func, arg);
  }

  pipeFunctions(pipe: EventPipe): void {
    const functions = { signal: pipe.signalFunc(), drain: pipe.drainFunc() };
    assert.deepEqual(functions, this.#pipeFunctions.get(pipe));
  }

  waitFor(pipe: EventPipe, timeoutMs?: number): boolean {
    const start = testkit.now_ns();
    const isReadable = pipe.wait(timeoutMs);
    const passed = Number(testkit.now_ns() - start) / 1e6;
    // It may return later, but not earlier. The system counts in nanoseconds.
    if (!isReadable) assert(passed >= timeoutMs! - 1e-6, "no sooner");
    return isReadable;
  }

  send(interrupt: Interrupt, value: number): boolean {
    return Interrupt.signal(this.#functions.get(interrupt)!.signal, value);
  }

  /**
   * The signal has arrived when this returns: the kernel prefers the sending thread, which masks no
   * signals.
   */
  kill(signal: number): void {
    testkit.kill(process.pid, signal, 1);
  }

  checkpoint(): void {
    checkpoint();
  }
}

function makeDescriptors(kind: Kind): Ends {
  if (kind === "pipe") return makePipe();
  if (kind === "socketpair") return makeSocketpair();
  const fd = testkit.eventfd();
  return [fd, fd];
}

function functionsOf(interrupt: Interrupt): Functions {
  return {
    signal: interrupt.signalFunc(),
    block: interrupt.blockFunc(),
    unblock: interrupt.unblockFunc(),
  };
}

/** The pending value, as native code and as JavaScript reads it. */
const wordOf = {
  cVar: ({ cVar }: Interrupt) => new Int32Array(memory(cVar, Int32Array.BYTES_PER_ELEMENT)),
  buffer({ buffer }: Interrupt) {
    assert.equal(buffer.length, 1);
    return buffer;
  },
};

/** So no run opens more Interrupts than this. */
export const maxCommands = 100;

function nativeCounts(): number[] {
  return Array.from(
    { length: maxCommands },
    (_, id) => testkit.callback_count(id),
  );
}
