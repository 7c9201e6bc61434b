/**
 * Makes $ASYNC_INTERRUPT_STEPS random calls with random arguments to several Interrupts and
 * EventPipes that share signals and pipes. After each call, everything visible must agree with the
 * model (fuzz_model.ts). Prints the number of calls. A failing sequence is shrunk; to repeat a run,
 * set $ASYNC_INTERRUPT_SEED to the seed in its report.
 */

import * as fc from "fast-check";
import assert from "node:assert/strict";
import { constants } from "node:os";
import process from "node:process";
import { setTimeout } from "node:timers";
import { setImmediate } from "node:timers/promises";
import { Interrupt, InterruptError, sig2name, sig2num } from "../../mod.ts";
import type { InterruptOptions } from "../../mod.ts";
import { assertNoMoreDescriptors, openDescriptors } from "../support/descriptors.ts";
import { turn } from "../support/harness.ts";
import { makePipe, readable, testkit } from "../support/testkit.ts";
import { randomSeed } from "../support/random.ts";
import {
  Boom,
  kinds,
  type ModelInterrupt,
  type ModelPipe,
  ModelWorld,
  nameOf,
  type Reaction,
  reactions,
} from "./fuzz_model.ts";

import { maxCommands, noFd, RealWorld, signals } from "./fuzz_world.ts";

let steps = 0;

/** One call. Unless the model needs code of its own, the same code calls both worlds. */
class Call implements fc.AsyncCommand<ModelWorld, RealWorld, true> {
  readonly #text: string;
  readonly #use: (world: ModelWorld) => unknown;
  readonly #possible: (model: ModelWorld) => boolean;

  constructor(
    text: string,
    use: (world: ModelWorld) => unknown,
    possible: (model: ModelWorld) => boolean,
  ) {
    this.#text = text;
    this.#use = use;
    this.#possible = possible;
  }

  check(model: Readonly<ModelWorld>): Promise<boolean> {
    return Promise.resolve(this.#possible(model as ModelWorld));
  }

  async run(model: ModelWorld, real: RealWorld): Promise<void> {
    steps++;
    for (const world of [model, real]) {
      world.trace = [];
      world.settled = [];
    }
    await this.act(model, real);
    // Runs the reactions of settled promises, without a turn of the event loop.
    await null;
    assert.deepEqual(seen(real), seen(model));
    assertAgree(model, real);
  }

  act(model: ModelWorld, real: RealWorld): void | Promise<void> {
    const expected = outcome(model, this.#use);
    // The methods have the same names.
    const use = this.#use as unknown as (world: RealWorld) => unknown;
    assert.deepEqual(outcome(real, use), expected);
  }

  toString(): string {
    return this.#text;
  }
}

/** Many more turns than any event loop needs to see what is ready. */
const enoughTurns = 10_000;

/**
 * Native code signals the newest Interrupts, and the event loop turns until it has delivered what
 * it must deliver.
 */
class Turn extends Call {
  constructor(values: readonly number[]) {
    super(
      `native to each, turn(${values})`,
      (world) => nativeToEach(world, values),
      ({ interrupts }) => interrupts.length > 0,
    );
  }

  override async act(model: ModelWorld, real: RealWorld): Promise<void> {
    super.act(model, real);
    const runs = (world: ModelWorld | RealWorld, { id }: ModelInterrupt) =>
      world.trace.filter(([other]) => other === id).length +
      world.nativeCalls(id).count;
    const settlePipes = model.scan();
    let turns = 0;
    do {
      assert(turns++ < enoughTurns, "the event loop delivers what is pending");
      await setImmediate();
      model.turn((it) => runs(real, it) > runs(model, it));
    } while (model.interrupts.some((it) => runs(real, it) < runs(model, it)));
    settlePipes();
  }
}

/** What the call returned or threw. */
function outcome<W extends ModelWorld | RealWorld>(
  world: W,
  use: (world: W) => unknown,
) {
  try {
    return use(world);
  } catch (error) {
    if (error instanceof Boom) world.report(error);
    return nameOf(error);
  }
}

/**
 * The callbacks that ran, in order for each Interrupt, and the promises that settled, in order for
 * each iterator. No other order is promised.
 */
function seen({ trace, settled }: ModelWorld | RealWorld) {
  return {
    trace: trace.sort(([a], [b]) => a - b),
    settled: settled.sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0),
  };
}

function assertAgree(model: ModelWorld, real: RealWorld) {
  for (const [i, expected] of model.interrupts.entries()) {
    const actual = real.interrupts[i]!;
    const what = `interrupt ${i}`;
    assert.deepEqual(look(actual), look(expected), what);
    const { id, pipe, pending, closed } = expected;
    assert.deepEqual(real.nativeCalls(id), model.nativeCalls(id), what);
    if (closed) continue;
    assert.deepEqual(real.words(actual), [pending, pending], what);
    if (pipe === undefined || pipe.closed) continue;
    const given = real.givenFd(actual);
    if (given !== undefined) {
      // Its number may have been reused by now.
      assert.equal(actual.pipeFileno, given, what);
      continue;
    }
    assertReadable(pipe, readable(actual.pipeFileno), `the pipe of ${what}`);
  }
  for (const [i, expected] of model.pipes.entries()) {
    const actual = real.pipes[i]!;
    assert.equal(actual.closed, expected.closed, `pipe ${i}`);
    if (expected.closed) continue;
    assertReadable(expected, readable(actual.fileno), `pipe ${i}`);
  }
  for (const [i, expected] of model.files.entries()) {
    assertReadable(expected, readable(real.files[i]![0]), `file ${i}`);
  }
}

function look(interrupt: Interrupt | ModelInterrupt) {
  const { pending, blocked, closed, pipeAutodrain, signalHysteresis } = interrupt;
  return { pending, blocked, closed, pipeAutodrain, signalHysteresis };
}

function assertReadable(model: ModelPipe, actual: boolean, what: string) {
  // The model left it open; from here on it is known.
  model.readable ??= actual;
  // After a manual drain the pipe may become readable again while an Interrupt is pending.
  if (actual && model.waits) model.readable = true;
  assert.equal(actual, model.readable, `${what} is readable`);
}

const index = fc.nat(5);
const value = fc.oneof(
  fc.integer(),
  fc.constantFrom(0, -1, 1, -(2 ** 31), 2 ** 31 - 1),
);
const wrongValue = fc.constantFrom<unknown>(
  NaN,
  2 ** 31,
  -(2 ** 31) - 1,
  2 ** 33,
  0.5,
  Infinity,
  "1",
  null,
  true,
  1n,
);

const timeout = fc.oneof(
  fc.double({ min: 0, max: 2, noNaN: true }),
  fc.constantFrom(0, -0, Number.MIN_VALUE, 1),
);
const longTimeout = fc.constantFrom(
  undefined,
  Infinity,
  Number.MAX_VALUE,
  2 ** 32,
  2 ** 64,
);
const wrongTimeout = fc.constantFrom<unknown>(
  NaN,
  -1,
  -Number.MIN_VALUE,
  -Infinity,
  null,
  "1",
  true,
  1n,
  {},
  [],
);

/** One of the newest items, which may be closed. */
function pick<T>(list: readonly T[], at: number): T {
  return list[list.length - 1 - at % Math.min(list.length, 6)]!;
}

function nativeToEach(world: ModelWorld, values: readonly number[]) {
  for (const [at, value] of values.entries()) {
    world.native(pick(world.interrupts, at), value);
  }
}

/** A call of an Interrupt. */
function onInterrupt<T = undefined>(
  name: string,
  use: (interrupt: ModelInterrupt, argument: T, world: ModelWorld) => unknown,
  argument = fc.constant(undefined) as fc.Arbitrary<T>,
  possible: (interrupt: ModelInterrupt) => boolean = () => true,
) {
  return fc.tuple(index, argument).map(([at, argument]) =>
    new Call(
      `${name}(${at}${argument === undefined ? "" : `, ${fc.stringify(argument)}`})`,
      (world) => use(pick(world.interrupts, at), argument, world),
      ({ interrupts }) => interrupts.length > 0 && possible(pick(interrupts, at)),
    )
  );
}

/** A call of an EventPipe. */
function onPipe<T = undefined>(
  name: string,
  use: (pipe: ModelPipe, argument: T, world: ModelWorld) => unknown,
  argument = fc.constant(undefined) as fc.Arbitrary<T>,
  possible: (pipe: ModelPipe) => boolean = () => true,
) {
  return fc.tuple(index, argument).map(([at, argument]) =>
    new Call(
      `pipe.${name}(${at}${argument === undefined ? "" : `, ${fc.stringify(argument)}`})`,
      (world) => use(pick(world.pipes, at), argument, world),
      ({ pipes }) => pipes.length > 0 && possible(pick(pipes, at)),
    )
  );
}

/** The caller reads or fills the file behind its own descriptors. */
function onFile(method: "readFile" | "fillFile") {
  return index.map((at) =>
    new Call(
      `${method}(${at})`,
      (world) => world[method](pick(world.files, at)),
      ({ files }) => files.length > 0,
    )
  );
}

/** A call of an iterator. */
function onIterator(method: "next" | "return") {
  return index.map((at) =>
    new Call(
      `iterator.${method}(${at})`,
      (world) => world.iterate(pick(world.iterators, at), method),
      ({ iterators }) => iterators.length > 0,
    )
  );
}

const options = fc.record({
  reactions: fc.oneof(
    // Rare as a random choice, and each of them is an important case.
    fc.constantFrom<Reaction[]>([], ["throw"], ["signal", "throw"]),
    fc.subarray([...reactions]),
  ),
  // To check the address of a native callback, the library reads a file.
  callbacks: fc.constantFrom(
    ...Array<"JavaScript">(6).fill("JavaScript"),
    "native",
    "both",
  ),
  signal: fc.option(fc.constantFrom(...signals), { nil: undefined }),
  signalHysteresis: fc.boolean(),
  chain: fc.boolean(),
  pipe: fc.option(
    fc.tuple(fc.constantFrom("pipes", "descriptors"), index),
    { nil: undefined },
  ),
  pipeAutodrain: fc.boolean(),
  rethrow: fc.boolean(),
});

const refused: [options: unknown, expected: string][] = [
  [null, "TypeError"],
  [{ callback: 5 }, "TypeError"],
  [{ nativeCallback: {} }, "TypeError"],
  [{ nativeCallback: { func: 0n, arg: 0n } }, "RangeError"],
  [{ signal: "SIGNOPE" }, "RangeError"],
  [{ signal: 0 }, "RangeError"],
  [{ signal: {} }, "TypeError"],
  [{ signal: "KILL" }, "RESERVED_SIGNAL"],
  [{ signal: "KILL", pipe: makePipe() }, "RESERVED_SIGNAL"],
  [{ pipe: [0] }, "TypeError"],
  [{ pipe: ["0", 1] }, "TypeError"],
  [{ pipe: makePipe().reverse() }, "BAD_FD"],
  [{ pipe: makePipe({ nonblocking: false }) }, "BAD_FD"],
  [{ pipe: [makePipe()[0], noFd] }, "BAD_FD"],
  [{ pipe: [0.5, 1] }, "BAD_FD"],
  [{ pipe: [-1, -1] }, "BAD_FD"],
];

const open = (wake: boolean) =>
  options.map(({ pipe, ...rest }) =>
    new Call(
      `open(${fc.stringify({ ...rest, wake, pipe })})`,
      (world) => {
        const [of, at] = pipe ?? [];
        const pipes = of && world[of];
        world.open({
          ...rest,
          wake,
          pipe: pipes?.length ? pick<typeof pipes[number]>(pipes, at!) : undefined,
        });
      },
      () => true,
    )
  );

const calls: fc.Arbitrary<Call>[] = [
  // Interrupts that wake by default. Not every run has them, because their wakes would hide that
  // another wake is missing.
  open(true),
  fc.constantFrom(...refused).map(([options, expected]) =>
    new Call(
      `new Interrupt(${fc.stringify(options)})`,
      (world) =>
        world instanceof ModelWorld ? expected : void new Interrupt(options as InterruptOptions),
      () => true,
    )
  ),
  fc.anything().map((options) =>
    new Call(
      `new Interrupt(${fc.stringify(options)})`,
      (world) => world instanceof ModelWorld ? undefined : openAnything(options),
      () => true,
    )
  ),
  onInterrupt("signal", (it, value) => it.signal(value), value),
  onInterrupt("signal", (it, value) => it.signal(value as number), wrongValue),
  onInterrupt("native", (it, value, world) => world.native(it, value), value),
  onInterrupt("send", (it, value, world) => world.send(it, value), value),
  onInterrupt("handle", (it) => it.handle()),
  onInterrupt("block", (it) => it.block()),
  onInterrupt("unblock", (it) => it.unblock()),
  onInterrupt("nativeBlock", (it, _, world) => world.nativeBlock(it)),
  onInterrupt("nativeUnblock", (it, _, world) => world.nativeUnblock(it)),
  onInterrupt("scopeBlock", (it, value) => {
    const scope = it.scopeBlock();
    it.signal(value);
    scope[Symbol.dispose]();
    scope[Symbol.dispose]();
  }, value),
  onInterrupt("scopeBlock-close", (it) => {
    const scope = it.scopeBlock();
    it.close();
    scope[Symbol.dispose]();
  }),
  fc.array(value, { minLength: 2, maxLength: 6 }).map((values) =>
    new Call(
      `native to each, checkpoint(${values})`,
      (world) => {
        nativeToEach(world, values);
        world.checkpoint();
      },
      ({ interrupts }) => interrupts.length > 0,
    )
  ),
  onInterrupt("functions", (it, _, world) => world.functions(it)),
  onInterrupt(
    "word",
    (it, which, world) => world.word(it, which),
    fc.constantFrom("cVar", "buffer"),
  ),
  onInterrupt("pipeFileno", (it) => it.pipeFileno >= 0),
  onInterrupt("pipeEnable", (it) => it.pipeEnable()),
  onInterrupt("pipeDisable", (it) => it.pipeDisable()),
  onInterrupt("pipeAutodrain", (it, on) => {
    it.pipeAutodrain = on;
  }, fc.boolean()),
  onInterrupt("signalHysteresis", (it, on) => {
    it.signalHysteresis = on;
  }, fc.boolean()),
  onInterrupt("pipeDrain", (it) => it.pipeDrain()),
  onInterrupt("postFork", (it, _, world) => world.postFork(it)),
  // Repeated, so that several waits are often pending at once.
  ...Array(3).fill([
    onInterrupt("wait", (it, _, world) => world.wait(it)),
    onInterrupt("wait-abortable", (it, fresh, world) => {
      const { controllers } = world;
      if (fresh || controllers.length === 0) {
        controllers.push(new AbortController());
      }
      const { signal } = controllers.at(-1)!;
      // It may throw either of two errors; the order is not promised.
      if (it.closed && signal.aborted) return;
      world.wait(it, { signal });
    }, fc.boolean()),
    index.map((at) =>
      new Call(
        `abort(${at})`,
        ({ controllers }) => pick(controllers, at).abort(controllers.length),
        ({ controllers }) => controllers.length > 0,
      )
    ),
  ]).flat(),
  onInterrupt(
    "iterate",
    (it, _, world) => world.iterators.push(it[Symbol.asyncIterator]()),
  ),
  ...Array(2).fill(onIterator("next")),
  onIterator("return"),
  onInterrupt("ref", (it) => it.ref() === it),
  onInterrupt("unref", (it) => it.unref() === it),
  onInterrupt("close", (it) => it.close()),
  fc.constant(
    new Call("openPipe()", (world) => world.openPipe(), () => true),
  ),
  fc.constantFrom(...kinds).map((kind) =>
    new Call(
      `openFile(${kind})`,
      (world) => world.openFile(kind),
      () => true,
    )
  ),
  fc.tuple(index, fc.constantFrom<0 | 1>(0, 1)).map(([at, side]) =>
    new Call(
      `descriptors.close(${at}, ${side})`,
      (world) => pick(world.descriptors, at).close(side),
      ({ descriptors }) => descriptors.length > 0,
    )
  ),
  fc.tuple(index, fc.constantFrom(...kinds)).map(([at, kind]) =>
    new Call(
      `descriptors.close(${at}), openFile(${kind})`,
      // The new file then usually gets the same numbers.
      (world) => {
        for (const side of [0, 1] as const) {
          pick(world.descriptors, at).close(side);
        }
        world.openFile(kind);
      },
      ({ descriptors }) => descriptors.length > 0,
    )
  ),
  onFile("readFile"),
  onFile("fillFile"),
  onPipe("signal", (pipe) => pipe.signal()),
  onPipe("drain", (pipe) => pipe.drain()),
  onPipe(
    "native",
    (pipe, which, world) => world.nativePipe(pipe, which),
    fc.constantFrom("signal", "drain"),
  ),
  onPipe("functions", (pipe, _, world) => world.pipeFunctions(pipe)),
  onPipe("wait", (pipe, ms, world) => world.waitFor(pipe, ms), timeout),
  onPipe(
    "wait",
    (pipe, ms, world) => world.waitFor(pipe, ms as number),
    wrongTimeout,
  ),
  onPipe(
    "wait",
    (pipe, ms, world) => world.waitFor(pipe, ms),
    longTimeout,
    // Nothing else makes it readable meanwhile.
    (pipe) => pipe.readable === true || pipe.closed,
  ),
  onPipe("renew", (pipe) => pipe.renew()),
  onPipe("close", (pipe) => pipe.close()),
  ...Array(3).fill(
    fc.constantFrom(...signals).map((signal) =>
      new Call(
        `kill(${signal})`,
        (world) => world.kill(signal),
        // Without an Interrupt on it the signal would end the process.
        (model) => model.readers(signal).length > 0,
      )
    ),
  ),
  fc.constant(
    new Call("checkpoint()", (world) => world.checkpoint(), () => true),
  ),
  ...Array(3).fill(
    fc.array(value, { maxLength: 6 }).map((values) => new Turn(values)),
  ),
];

/** Opens an Interrupt that works, or throws a documented error. */
function openAnything(options: unknown) {
  try {
    new Interrupt(options as InterruptOptions).close();
  } catch (error) {
    const documented = error instanceof TypeError ||
      error instanceof RangeError || error instanceof InterruptError;
    if (!documented) throw error;
  }
}

/** Of any value, the result is the name or number of a signal of the system, or undefined. */
function nameSignal(signal: unknown) {
  steps++;
  const known = constants.signals as Record<string, number>;
  const number = sig2num(signal as string);
  const name = sig2name(signal as string);
  assert.equal(number === undefined, name === undefined);
  if (name === undefined) return;
  assert.equal(sig2num(name), number);
  if (name in known) assert.equal(known[name], number);
  assert.equal(
    typeof signal === "number" ? signal : sig2num(String(signal).toLowerCase()),
    number,
  );
}

const signalName = fc.constantFrom(...Object.keys(constants.signals));
const anySignal = fc.oneof(
  fc.anything(),
  fc.integer({ min: -5, max: 200 }),
  signalName,
  fc.mixedCase(signalName.map((name) => name.slice("SIG".length))),
  fc.tuple(signalName, fc.string()).map((both) => both.join("")),
);

/** Runs the calls, closes everything, and checks that nothing is left behind. */
async function run(
  commands: Iterable<fc.AsyncCommand<ModelWorld, RealWorld, true>>,
) {
  const model = new ModelWorld();
  const real = new RealWorld();
  for (const signal of signals) testkit.disposition_save(signal, signal);
  const descriptors = openDescriptors();
  Interrupt.onError = (error) => real.report(error);
  try {
    await fc.asyncModelRun(() => ({ model, real }), commands);
    const closeAll = new Call(
      "close all",
      (world) => world.closeAll(),
      () => true,
    );
    await closeAll.run(model, real);
  } finally {
    // Otherwise the next run, with fewer calls, would start with what this one left.
    real.closeAll();
  }
  assertNoMoreDescriptors(descriptors);
  for (const signal of signals) {
    assert.equal(testkit.disposition_same(signal, signal), 1, `${signal}`);
  }
}

const wanted = Number(process.env.ASYNC_INTERRUPT_STEPS ?? 10_000);
let seed = randomSeed();
// The first Interrupts open what the thread and the runtime keep open, and Deno keeps its handler.
for (const signal of signals) new Interrupt({ signal }).close();
await turn();
while (steps < wanted) {
  // Detecting a leak takes long, so limit the time for shrinking.
  const parameters = {
    seed: seed++,
    numRuns: 10,
    interruptAfterTimeLimit: 5000,
  };
  // Swarm testing: with a subset of the calls, those that interact occur together more often.
  const [some] = fc.sample(fc.subarray(calls), { seed, numRuns: 1 });
  const sequence = fc.commands([open(false), ...some!], {
    maxCommands,
    size: "max",
  });
  let running: Promise<void> | undefined;
  const property = fc.asyncProperty(sequence, (it) => running = run(it));
  await fc.assert(property, parameters);
  // The property goes on after its time limit.
  await running;
  fc.assert(fc.property(anySignal, nameSignal), parameters);
  await turn();
}
// All references were released, and none of them twice. So this reference keeps the process alive,
// and after its release nothing does.
const reference = new Interrupt().ref();
process.exitCode = 1;
setTimeout(() => {
  reference.close();
  process.exitCode = 0;
  console.log(steps);
}, 10).unref();
