/**
 * Random sequences of API calls with random arguments, against a model that is a few lines of plain JavaScript.
 * Prints how many calls were made, and fails with fast-check's report: seed, path and the shortest sequence.
 */

import { assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { constants } from "node:os";
import process from "node:process";
import {
  checkpoint,
  EventPipe,
  Interrupt,
  InterruptError,
  type InterruptOptions,
  sig2name,
  sig2num,
} from "../../mod.ts";
import { assertNoMoreDescriptors, openDescriptors } from "../harness.ts";
import { testkit } from "../native/testkit.ts";

const wanted = Number(process.env.ASYNC_INTERRUPT_STEPS ?? 20_000);
const seed = Number(process.env.ASYNC_INTERRUPT_SEED ?? Date.now()) | 0;
console.log(`ASYNC_INTERRUPT_SEED=${seed}`);

const signals = { SIGUSR2: 12, SIGURG: 23, SIGWINCH: 28 };
type Signal = keyof typeof signals;

/** What the callback does after it was noted: nothing, or once more with the negative value, or close, or throw. */
type Reaction = "none" | "again" | "close" | "throw";

class Thrown extends Error {}

/** What an Interrupt should be. */
interface Model {
  pending: number;
  blocked: number;
  closed: boolean;
  readonly hysteresis: boolean;
  readonly reaction: Reaction;
  readonly rethrow: boolean;
  readonly signal: Signal | undefined;
  readonly values: number[];
}

interface Real {
  interrupt: Interrupt;
  pipe: EventPipe | undefined;
  values: number[];
}

/** Everything that is open, as it should be and as it is: at the same places. */
class World {
  readonly models: Model[] = [];
  readonly reals: Real[] = [];
  /** What went to Interrupt.onError. */
  reported = 0;
  shouldBeReported = 0;
  /** By the kernel, since all who hook them want hysteresis. */
  readonly ignored = new Set<Signal>();

  hooking(signal: Signal): Model[] {
    return this.models.filter((model) =>
      !model.closed && model.signal === signal
    );
  }
}

let steps = 0;

/** Runs one call on both sides: they must throw alike, and agree on everything afterwards. */
function step(world: World, real: () => unknown, model: () => unknown) {
  steps++;
  assertEquals(outcome(real), outcome(model));
  assertEquals(world.reported, world.shouldBeReported);
  for (const [index, should] of world.models.entries()) {
    const { interrupt, pipe, values } = world.reals[index];
    assertEquals(values, should.values);
    const { pending, blocked, closed } = interrupt;
    assertEquals(
      { pending, blocked, closed },
      {
        pending: should.pending,
        blocked: should.blocked > 0,
        closed: should.closed,
      },
    );
    if (pipe !== undefined) assertEquals(pipe.wait(0), should.pending !== 0);
  }
}

function outcome(call: () => unknown): string {
  try {
    return String(call());
  } catch (error) {
    if (error instanceof InterruptError) return error.code;
    if (error instanceof Error) return error.constructor.name;
    throw error;
  }
}

function refuse(code: "CLOSED" | "UNBALANCED_UNBLOCK"): never {
  throw new InterruptError(code, "");
}

/** Runs the callback once. */
function handle(world: World, model: Model) {
  const value = model.pending;
  model.pending = 0;
  model.values.push(value);
  if (model.reaction === "again" && value > 0) model.pending = -value;
  if (model.reaction === "close") {
    model.closed = true;
    model.blocked = 0;
  }
  if (model.reaction !== "throw") return;
  if (model.rethrow) throw new Thrown();
  world.shouldBeReported++;
}

function deliver(world: World, model: Model) {
  while (!model.closed && model.blocked === 0 && model.pending !== 0) {
    if (model.hysteresis && model.signal) world.ignored.delete(model.signal);
    handle(world, model);
  }
}

function close(world: World, model: Model) {
  if (model.closed) return;
  if (model.pending !== 0) {
    try {
      handle(world, model);
    } catch {
      world.shouldBeReported++;
    }
  }
  model.closed = true;
  model.pending = 0;
  model.blocked = 0;
}

function toValue(value: unknown = 1): number {
  if (typeof value !== "number" || !Number.isInteger(value)) {
    throw new TypeError();
  }
  if (value !== (value | 0)) throw new RangeError();
  return value || 1;
}

type Command = fc.Command<World, World>;

/** A call on one of the Interrupts that were ever opened; `index` is taken modulo their number. */
function on(
  name: string,
  index: number,
  real: (real: Real) => unknown,
  model: (model: Model, world: World) => unknown,
  checkArguments = () => {},
): Command {
  return {
    check: (world) => world.models.length > 0,
    run(world) {
      const place = index % world.models.length;
      step(
        world,
        () => void real(world.reals[place]),
        () => {
          const should = world.models[place];
          checkArguments();
          if (should.closed && name !== "close") refuse("CLOSED");
          model(should, world);
        },
      );
    },
    toString: () => `${name}(#${index})`,
  };
}

function open(
  { pipe, signal, reaction, ...rest }:
    & Pick<InterruptOptions, "wake" | "rethrow" | "signalHysteresis">
    & { pipe: boolean; signal: Signal | undefined; reaction: Reaction },
): Command {
  return {
    check: ({ models }) => models.filter(({ closed }) => !closed).length < 5,
    run(world) {
      const values: number[] = [];
      const eventPipe = pipe ? new EventPipe() : undefined;
      const callback = (value: number) => {
        values.push(value);
        if (reaction === "again" && value > 0) interrupt.signal(-value);
        // Never inside itself.
        if (reaction === "again") interrupt.handle();
        if (reaction === "close") interrupt.close();
        if (reaction === "throw") throw new Thrown();
      };
      const interrupt = new Interrupt({
        ...rest,
        callback,
        ...eventPipe && { pipe: eventPipe },
        ...signal && { signal },
      });
      world.reals.push({ interrupt, pipe: eventPipe, values });
      world.models.push({
        pending: 0,
        blocked: 0,
        closed: false,
        hysteresis: rest.signalHysteresis ?? false,
        reaction,
        rethrow: rest.rethrow ?? false,
        signal,
        values: [],
      });
      // To hook it makes the kernel deliver it again.
      if (signal) world.ignored.delete(signal);
      step(world, () => {}, () => {});
    },
    toString: () => `open(${JSON.stringify({ signal, reaction, ...rest })})`,
  };
}

/** Any value at all as options: an error that names it, and nothing left behind, or an Interrupt that works. */
function openAnything(options: unknown): Command {
  return {
    check: () => true,
    run(world) {
      step(world, () => {
        try {
          new Interrupt(options as InterruptOptions).close();
        } catch (error) {
          if (error instanceof TypeError || error instanceof RangeError) return;
          if (error instanceof InterruptError) return;
          throw error;
        }
      }, () => {});
    },
    toString: () => `openAnything(${fc.stringify(options)})`,
  };
}

/** A call that concerns all of them. */
function all(
  name: string,
  real: (world: World) => void,
  model: (world: World) => void,
): Command {
  return {
    check: () => true,
    run: (world) => step(world, () => real(world), () => model(world)),
    toString: () => name,
  };
}

function raise(signal: Signal): Command {
  return {
    // Its default may be to kill.
    check: (world) => world.hooking(signal).length > 0,
    run: (world) =>
      step(
        world,
        () => void testkit.kill_thread(testkit.tid(), signals[signal]),
        () => {
          if (world.ignored.has(signal)) return;
          const models = world.hooking(signal);
          for (const model of models) model.pending = 1;
          if (models.every((model) => model.hysteresis)) {
            world.ignored.add(signal);
          }
        },
      ),
    toString: () => `raise(${signal})`,
  };
}

const index = fc.nat(30);
const signal = fc.constantFrom(...Object.keys(signals) as Signal[]);
const value = fc.oneof(
  { weight: 5, arbitrary: fc.integer() },
  { weight: 1, arbitrary: fc.constantFrom(0, -1, 2 ** 31 - 1, -(2 ** 31)) },
  { weight: 1, arbitrary: fc.constantFrom(2 ** 31, 2 ** 33, NaN, 0.5, -0) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<unknown>("7", null, undefined, {}, 3n),
  },
);
const ownSignal = (index: number, value: unknown) =>
  on(
    `signal ${fc.stringify(value)}`,
    index,
    ({ interrupt }) => interrupt.signal(value as number),
    (model, world) => {
      model.pending = toValue(value);
      deliver(world, model);
    },
    () => void toValue(value),
  );
const commands = fc.commands([
  fc.record({
    wake: fc.boolean(),
    rethrow: fc.boolean(),
    signalHysteresis: fc.boolean(),
    pipe: fc.boolean(),
    signal: fc.option(signal, { nil: undefined }),
    reaction: fc.constantFrom<Reaction>("none", "again", "close", "throw"),
  }).map(open),
  fc.anything().map(openAnything),
  fc.tuple(index, value).map(([index, value]) => ownSignal(index, value)),
  fc.tuple(index, fc.integer()).map(([index, value]) =>
    on(`native ${value}`, index, ({ interrupt }) => {
      const { func, arg } = interrupt.signalFunc();
      testkit.call_value(func, arg, value);
    }, (model) => {
      model.pending = value || 1;
    })
  ),
  signal.map(raise),
  index.map((index) =>
    on("block", index, ({ interrupt }) => interrupt.block(), (model) => {
      model.blocked++;
    })
  ),
  index.map((index) =>
    on(
      "unblock",
      index,
      ({ interrupt }) => interrupt.unblock(),
      (model, world) => {
        if (model.blocked === 0) refuse("UNBALANCED_UNBLOCK");
        model.blocked--;
        deliver(world, model);
      },
    )
  ),
  index.map((index) =>
    on(
      "handle",
      index,
      ({ interrupt }) => interrupt.handle(),
      (model, world) => deliver(world, model),
    )
  ),
  index.map((index) =>
    on("postFork", index, ({ interrupt }) => interrupt.postFork(), () => {})
  ),
  index.map((index) =>
    on(
      "close",
      index,
      ({ interrupt }) => interrupt.close(),
      (model, world) => close(world, model),
    )
  ),
  fc.constant(all("checkpoint", () => checkpoint(), (world) => {
    let thrown: unknown;
    for (const model of world.models) {
      try {
        deliver(world, model);
      } catch (error) {
        // Only one comes out; the others are reported.
        if (thrown === undefined) thrown = error;
        else world.shouldBeReported++;
      }
    }
    if (thrown !== undefined) throw thrown;
  })),
], { maxCommands: 60 });

function run(sequence: Iterable<Command>) {
  const descriptors = openDescriptors();
  for (const number of Object.values(signals)) {
    testkit.disposition_save(number, number);
  }
  const world = new World();
  Interrupt.onError = () => world.reported++;
  try {
    fc.modelRun(() => ({ model: world, real: world }), sequence);
  } finally {
    for (const { interrupt, pipe } of world.reals) {
      interrupt.close();
      pipe?.close();
    }
  }
  assertNoMoreDescriptors(descriptors);
  for (const number of Object.values(signals)) {
    assertEquals(testkit.disposition_same(number, number), 1);
  }
}

/** Of anything at all: a signal that the system knows under that name or number, or undefined. */
function nameSignal(signal: unknown) {
  steps++;
  const known = constants.signals as Record<string, number>;
  const number = sig2num(signal as string);
  const name = sig2name(signal as string);
  assertEquals(number === undefined, name === undefined);
  if (name === undefined) return;
  assertEquals(sig2num(name), number);
  if (name in known) assertEquals(known[name], number);
  assertEquals(
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

// The wake is made once for all.
new Interrupt().close();
for (let round = 0; steps < wanted; round++) {
  const options = { seed: seed + round, numRuns: 100 };
  fc.assert(fc.property(commands, run), options);
  fc.assert(fc.property(anySignal, nameSignal), options);
}
console.log(`${steps}`);
process.exit(0);
