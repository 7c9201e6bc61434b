/**
 * Runs the library with less and less stack, so that a RangeError comes out of each of its calls in
 * turn. After that, every signal must be heard, at the next checkpoint or, with `loop`, by the
 * event loop alone. Prints the failures.
 */

import process from "node:process";
import { checkpoint, EventPipe, Interrupt } from "../../mod.ts";

const [mode] = process.argv.slice(2);

/** One situation in which the stack overflows. */
interface Scene {
  /**
   * Runs with enough stack. Returns the values that must be heard later, by the index of the
   * Interrupt.
   */
  prepare(): Map<number, number>;
  /** Runs near the end of the stack. */
  act(): void;
  /**
   * Runs with enough stack again, and does what the exception prevented the user's code from doing.
   */
  resume?(): void;
  /** What is wrong after all values were heard. */
  after?(): string | undefined;
  close(): void;
}

const heard: number[] = [];
let value = 0;

function listener(index: number, inside?: () => void) {
  return (got: number) => {
    heard[index] = got;
    inside?.();
  };
}

function signalAll(interrupts: Interrupt[]): Map<number, number> {
  const sent = new Map<number, number>();
  for (const [index, interrupt] of interrupts.entries()) {
    Interrupt.signal(interrupt.signalFunc(), ++value);
    sent.set(index, value);
  }
  return sent;
}

function scene(
  interrupts: Interrupt[],
  act: (interrupts: Interrupt[]) => void,
  rest: Partial<Scene> = {},
): Scene {
  return {
    prepare: () => signalAll(interrupts),
    act: () => act(interrupts),
    close: () => interrupts.forEach((interrupt) => interrupt.close()),
    ...rest,
  };
}

function several(count: number, inside?: () => void): Interrupt[] {
  return Array.from(
    { length: count },
    (_, index) => new Interrupt({ callback: listener(index, inside) }),
  );
}

function piped(count: number, pipeAutodrain: boolean): Scene {
  const pipe = new EventPipe();
  const interrupts = Array.from(
    { length: count },
    (_, index) => new Interrupt({ pipe, pipeAutodrain, callback: listener(index) }),
  );
  return scene(interrupts, checkpoint, {
    after: () => {
      if (!pipeAutodrain) pipe.drain();
      return pipe.wait(0) ? "the pipe is still readable" : undefined;
    },
    close() {
      interrupts.forEach((interrupt) => interrupt.close());
      pipe.close();
    },
  });
}

const cold = "one Interrupt";

const scenes: Record<string, () => Scene> = {
  [cold]: () => scene(several(1), checkpoint),
  "five Interrupts": () => scene(several(5), checkpoint),
  "a checkpoint in each callback": () => scene(several(4, checkpoint), checkpoint),
  "a callback that throws": () =>
    scene(
      Array.from({ length: 3 }, (_, index) =>
        new Interrupt({
          rethrow: true,
          callback: listener(index, () => {
            throw new Error("from the callback");
          }),
        })),
      checkpoint,
    ),
  "a callback that signals itself": () => {
    let again = 0;
    const interrupts = several(2, () => {
      if (again-- <= 0) return;
      // It counts as sent only after the call, which may overflow before it has sent anything.
      interrupts[0]!.signal(value + 1);
      value++;
    });
    return scene(interrupts, checkpoint, {
      prepare() {
        again = 3;
        return signalAll(interrupts);
      },
      after: () => heard[0]! >= value ? undefined : "the last is missing",
    });
  },
  "handle()": () => scene(several(2), (interrupts) => interrupts[0]!.handle()),
  "unblock()": () => {
    const interrupts = several(2);
    return scene(
      interrupts,
      ([first]) => first!.unblock(),
      {
        prepare() {
          while (!interrupts[0]!.blocked) interrupts[0]!.block();
          const sent = signalAll(interrupts);
          // This scan sees a blocked Interrupt, so it must be scanned again later.
          checkpoint();
          return sent;
        },
        resume() {
          while (interrupts[0]!.blocked) interrupts[0]!.unblock();
        },
      },
    );
  },
  "signal()": () => {
    const interrupts = several(2);
    return scene(interrupts, ([first]) => {
      first!.signal(++value);
      if (heard[0] !== value) throw new Error("it was not called");
    });
  },
  "Interrupt.signal() as well": () => {
    const interrupts = several(2);
    return scene(interrupts, () => {
      Interrupt.signal(interrupts[1]!.signalFunc(), value);
      checkpoint();
    });
  },
  "close()": () => {
    let interrupts = several(3);
    return {
      prepare() {
        interrupts[0]!.close();
        interrupts = [
          new Interrupt({ callback: listener(0) }),
          ...interrupts.slice(1),
        ];
        return signalAll(interrupts);
      },
      act: () => interrupts[0]!.close(),
      resume: () => interrupts[0]!.close(),
      close: () => interrupts.forEach((interrupt) => interrupt.close()),
    };
  },
  "a pipe": () => piped(1, true),
  "a pipe for three": () => piped(3, true),
  "a pipe that its watcher drains": () => piped(2, false),
  "wait()": () => {
    const interrupts = several(1);
    const waits = () => {
      interrupts[0]!.wait().then((got) => heard[1] = got, () => {});
    };
    return scene(interrupts, checkpoint, {
      prepare() {
        waits();
        return signalAll(interrupts);
      },
    });
  },
  "async iteration": () => {
    const interrupts = several(1);
    const values = interrupts[0]![Symbol.asyncIterator]();
    return scene(interrupts, checkpoint, {
      prepare() {
        values.next().then(({ value }) => heard[1] = value!, () => {});
        return signalAll(interrupts);
      },
    });
  },
};

/** Calls `inside` at that depth of the stack. */
function descend(levels: number, inside: () => void): number {
  if (levels > 0) return descend(levels - 1, inside) + 1;
  inside();
  return 0;
}

/** How many levels descend() can have. */
function depth(): number {
  let low = 0;
  let high = 1e6;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    try {
      descend(middle, () => {});
      low = middle;
    } catch {
      high = middle;
    }
  }
  return low;
}

/**
 * Fills the stack, and calls `act` where so many levels and words are free. The depth is measured
 * each time, because the engine's compilers may change the size of a level at any time.
 */
function fill(levels: number, words: number, act: () => void) {
  const values = Array.from({ length: words }, () => 0);
  let free = 0;
  const deeper = (): number => {
    try {
      return deeper() + 1;
    } catch (error) {
      if (free++ !== levels) throw error;
      // Arguments are stored on the stack.
      Reflect.apply(act, undefined, values);
      return 0;
    }
  };
  deeper();
}

const WORDS = 16;
/**
 * Stop after this many levels in a row without an overflow. V8 needs hundreds of levels to compile
 * code that was never called.
 */
const ENOUGH = 25;
const MOST = 1000;
/** Below this many levels, each word makes a difference. */
const FINE = 40;
const problems: string[] = [];
let cuts = 0;
let whole = 0;

let inARow = 0;

function tryOnce(it: Scene, levels: number, words: number) {
  try {
    fill(levels, words, it.act);
    whole++;
    inARow++;
  } catch (error) {
    if (error instanceof RangeError) {
      cuts++;
      inARow = 0;
    } else if ((error as Error).message === "from the callback") {
      whole++;
      inARow++;
    } else {
      throw error;
    }
  }
  it.resume?.();
}

function look() {
  for (let tries = 0; tries < 20; tries++) {
    try {
      return checkpoint();
    } catch {
      // An exception of a callback.
    }
  }
}

/**
 * What is wrong after all Interrupts were signalled, near the end of the stack or not, and scanned.
 */
function problemOf(sent: Map<number, number>, it: Scene): string | undefined {
  for (const [index, value] of sent) {
    if (!(heard[index]! >= value)) {
      return `Interrupt ${index} heard ${heard[index]}, not ${value}`;
    }
  }
  return it.after?.();
}

/** Runs with a small stack from the start, so that filling it is cheap. */
function sweep(it: Scene): string | undefined {
  for (let levels = 0; inARow < ENOUGH; levels++) {
    if (levels === MOST) return "never enough";
    for (let words = 0; words < (levels < FINE ? WORDS : 1); words++) {
      for (const near of [true, false]) {
        const sent = it.prepare();
        if (near) tryOnce(it, levels, words);
        else it.resume?.();
        look();
        const problem = problemOf(sent, it);
        if (problem === undefined) continue;
        const which = near ? "" : ", signalled again";
        return `${levels} levels, ${words} words${which}: ${problem}`;
      }
    }
  }
  return undefined;
}

async function sweepWithLoop(
  it: Scene,
  base: number,
): Promise<string | undefined> {
  for (let levels = 0; inARow < ENOUGH; levels++) {
    if (levels === MOST) return "never enough";
    for (const near of [true, false]) {
      const sent = it.prepare();
      if (near) descend(base, () => tryOnce(it, levels, levels % WORDS));
      else it.resume?.();
      for (let turns = 0; turns < 3; turns++) {
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
      const problem = problemOf(sent, it);
      if (problem === undefined) continue;
      const which = near ? "" : ", signalled again";
      return `${levels} levels, in the loop${which}: ${problem}`;
    }
  }
  return undefined;
}

Interrupt.onError = () => {};
for (const [name, make] of Object.entries(scenes)) {
  const it = make();
  cuts = whole = inARow = 0;
  // Code of the library itself is compiled near the end of the stack only once.
  if (name !== cold) {
    it.prepare();
    try {
      it.act();
    } catch {
      // An exception of a callback.
    }
    it.resume?.();
  }
  const base = depth() >> 1;
  let problem: string | undefined;
  if (mode === "loop") problem = await sweepWithLoop(it, base);
  else descend(base, () => problem = sweep(it));
  if (problem !== undefined) problems.push(`${name}, ${problem}`);
  if (cuts === 0 || whole === 0) {
    problems.push(`${name}: cut ${cuts} times, whole ${whole} times`);
  }
  look();
  it.close();
}
console.log(JSON.stringify(problems));
process.exit(0);
