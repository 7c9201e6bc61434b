import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { checkpoint, Interrupt, InterruptError } from "../mod.ts";
import { signalStream } from "../src/signal_stream.ts";
import { testsOf, until } from "./support/harness.ts";
import { startCommand } from "./support/processes.ts";
import { raise } from "./support/senders.ts";
import { endsByItself, places, signalled } from "./support/signalled_program.ts";
import { SIGRT6, SIGRT7, SIGUSR2, SIGWINCH } from "./support/signals.ts";
import { sender, startKiller, testkit } from "./support/testkit.ts";
import { CountingController, traces } from "./support/traces.ts";
import { collectErrors } from "./support/collect_errors.ts";

const test = testsOf(import.meta.url);

const SIGHUP = 1;
const done = { done: true, value: undefined } as const;
const value = (value: number) => ({ done: false, value }) as const;

/** Raises a signal, which is handled when this returns. */
function arrive(...signals: number[]) {
  for (const signal of signals) {
    raise(signal);
    checkpoint();
  }
}

for (const { where, ms, name } of places) {
  test(
    `\`Interrupt.on()\` hears every signal from another process, ${name}, and then the process ends`,
    async () => {
      const told = await signalled({ way: "on", where, ms }, [SIGHUP, SIGUSR2, SIGUSR2]);
      assertEquals(told, ["heard 1", "heard 12", "heard 12"]);
    },
    { timeout: 30 },
  );

  test(`\`Interrupt.on()\` on which nobody waits lets the process end, ${name}`, async () => {
    const ways = ["unread", "returned", "abortedStream"];
    await Promise.all(ways.map((way) => endsByItself(way, where, ms)));
  }, { timeout: 30 });
}

test("`Interrupt.on()` hears one signal that is given by name, short name or number", async () => {
  for (const signal of ["SIGUSR2", "usr2", SIGUSR2]) {
    const stream = Interrupt.on(signal);
    arrive(SIGUSR2);
    assertEquals(await stream.next(), value(SIGUSR2));
    await stream.return!();
  }
});

test("`Interrupt.on()` hears signals that arrive at once: none hides another", async () => {
  const all = [SIGHUP, SIGUSR2, SIGWINCH, SIGRT6, SIGRT7];
  const stream = Interrupt.on(all);
  for (let round = 0; round < 20; round++) {
    for (const signal of all) raise(signal);
    const heard: number[] = [];
    for (let i = 0; i < all.length; i++) heard.push((await stream.next()).value!);
    assertEquals(heard.sort((a, b) => a - b), all);
  }
});

test("`Interrupt.on()` hears five signals that another process sends without a pause", async () => {
  const all = [SIGHUP, SIGUSR2, SIGWINCH, SIGRT6, SIGRT7];
  const stream = Interrupt.on(all);
  const missing = new Set(all);
  startCommand(sender(...all.map(String)));
  for await (const signal of stream) {
    assert(missing.delete(signal), `heard ${signal} twice`);
    if (missing.size === 0) break;
  }
});

test("`Interrupt.on()` counts a burst of one signal once", async () => {
  const stream = Interrupt.on([SIGRT6, SIGUSR2, SIGRT7]);
  for (let i = 0; i < 100; i++) for (const signal of [SIGRT6, SIGUSR2]) raise(signal);
  checkpoint();
  arrive(SIGRT7);
  const heard: number[] = [];
  for await (const signal of stream) {
    if (signal === SIGRT7) break;
    heard.push(signal);
  }
  assertEquals(heard.sort(), [SIGUSR2, SIGRT6]);
});

test("`Interrupt.on()` queues what arrives before the first `next()` and while the consumer is busy", async () => {
  const stream = Interrupt.on(["SIGUSR2", "SIGHUP"]);
  arrive(SIGUSR2, SIGHUP);
  const heard: number[] = [];
  for await (const signal of stream) {
    if (heard.push(signal) === 1) arrive(SIGHUP, SIGUSR2, SIGUSR2);
    if (heard.length === 5) break;
  }
  assertEquals(heard, [12, 1, 1, 12, 12]);
});

test("`Interrupt.on()` answers several `next()` calls in order", async () => {
  const stream = Interrupt.on(["SIGUSR2", "SIGHUP"]);
  const all = Promise.all([stream.next(), stream.next(), stream.next()]);
  arrive(SIGHUP, SIGUSR2);
  await stream.return!();
  assertEquals(await all, [value(SIGHUP), value(SIGUSR2), done]);
});

test("`Interrupt.on()` gives an iterator that is its own iterable", () => {
  const stream = Interrupt.on("SIGUSR2");
  assertStrictEquals(stream[Symbol.asyncIterator](), stream);
});

const ends: Record<string, (stream: AsyncIterableIterator<number>) => Promise<unknown>> = {
  async "`break`"(stream) {
    arrive(SIGUSR2);
    for await (const _ of stream) break;
  },
  async "`return` in the loop"(stream) {
    arrive(SIGUSR2);
    await (async () => {
      for await (const _ of stream) return;
    })();
  },
  async "an exception in the loop"(stream) {
    arrive(SIGUSR2);
    const loop = async () => {
      for await (const _ of stream) throw new RangeError("from the loop");
    };
    await assertRejects(loop, RangeError, "from the loop");
  },
  async "`return()`"(stream) {
    assertEquals(await stream.return!(), done);
  },
  async "`return()` while a `next()` waits"(stream) {
    const next = stream.next();
    assertEquals(await stream.return!(), done);
    assertEquals(await next, done);
  },
  async "`return()` with signals in the queue"(stream) {
    arrive(SIGUSR2, SIGHUP);
    assertEquals(await stream.return!(), done);
  },
  async "`return()` while a signal is pending"(stream) {
    raise(SIGUSR2);
    assertEquals(await stream.return!(), done);
  },
  async "`throw()`"(stream) {
    const next = stream.next();
    await assertRejects(() => stream.throw!(new RangeError("thrown in")), RangeError, "thrown in");
    assertEquals(await next, done);
  },
};

for (const [how, end] of Object.entries(ends)) {
  test(`\`Interrupt.on()\` unhooks its signals at ${how}, and then gives no more`, async () => {
    const assertNothingLeft = traces("SIGUSR2", "SIGHUP", "SIGRTMIN+6");
    const controller = new CountingController();
    for (let round = 0; round < 3; round++) {
      const stream = Interrupt.on(["SIGUSR2", "SIGHUP", SIGRT6], controller);
      await end(stream);
      assertNothingLeft(`round ${round}`);
      assertEquals(controller.listeners, 0);
      assertEquals([await stream.next(), await stream.next()], [done, done]);
      assertEquals(await stream.return!(), done);
    }
    controller.abort();
  });
}

for (const reason of [new Error("enough"), "enough", null]) {
  const what = reason instanceof Error ? "an Error" : `${reason}`;

  test(`\`Interrupt.on()\` throws the reason of its AbortSignal: ${what}`, async () => {
    const assertNothingLeft = traces("SIGUSR2", "SIGRTMIN+6");
    const controller = new CountingController();
    const stream = Interrupt.on(["SIGUSR2", SIGRT6], controller);
    const next = [stream.next(), stream.next()];
    controller.abort(reason);
    assertNothingLeft("after the abort");
    assertEquals(controller.listeners, 0);
    // The first rejects, and the iterator is at its end, as one of a generator.
    assertStrictEquals(await next[0]!.catch((error) => error), reason);
    assertEquals([await next[1], await stream.next()], [done, done]);
  });
}

test("`Interrupt.on()` with an AbortSignal that has aborted throws its reason at once and hooks nothing", () => {
  const assertNothingLeft = traces("SIGUSR2");
  const controller = new CountingController();
  controller.abort("before");
  let caught: unknown;
  try {
    Interrupt.on("SIGUSR2", controller);
  } catch (error) {
    caught = error;
  }
  assertEquals(caught, "before");
  assertEquals(controller.listeners, 0);
  assertNothingLeft();
});

test("`Interrupt.on()` gives what had arrived before the abort, and then throws the reason once", async () => {
  const assertNothingLeft = traces("SIGUSR2", "SIGHUP");
  const controller = new CountingController();
  const stream = Interrupt.on(["SIGUSR2", "SIGHUP"], controller);
  arrive(SIGUSR2, SIGUSR2);
  // It has arrived, and is not yet handled.
  raise(SIGHUP);
  controller.abort("enough");
  assertNothingLeft();
  const heard: number[] = [];
  let caught: unknown;
  try {
    for await (const signal of stream) heard.push(signal);
  } catch (error) {
    caught = error;
  }
  assertEquals([heard, caught], [[SIGUSR2, SIGUSR2, SIGHUP], "enough"]);
  assertEquals(await stream.next(), done);
});

test("`Interrupt.on()` ends when the loop over it aborts it", async () => {
  const controller = new CountingController();
  const stream = Interrupt.on("SIGUSR2", controller);
  arrive(SIGUSR2);
  const heard: number[] = [];
  const loop = async () => {
    for await (const signal of stream) {
      heard.push(signal);
      controller.abort(new RangeError("enough"));
    }
  };
  await assertRejects(loop, RangeError, "enough");
  assertEquals(heard, [SIGUSR2]);
});

test("`Interrupt.on()` that was left after the abort does not throw its reason any more", async () => {
  const controller = new CountingController();
  const stream = Interrupt.on("SIGUSR2", controller);
  arrive(SIGUSR2);
  controller.abort("enough");
  assertEquals(await stream.return!(), done);
  assertEquals(await stream.next(), done);
});

test("`Interrupt.on()` that ended by `break` ignores its AbortSignal", async () => {
  const controller = new CountingController();
  const stream = Interrupt.on("SIGUSR2", controller);
  arrive(SIGUSR2);
  for await (const _ of stream) break;
  controller.abort("too late");
  assertEquals(await stream.next(), done);
});

test("two `Interrupt.on()` both hear every signal, and one goes on when the other ends", async () => {
  const first = Interrupt.on(["SIGUSR2", "SIGHUP"]);
  const second = Interrupt.on(["SIGHUP", "SIGUSR2"]);
  arrive(SIGUSR2, SIGHUP);
  for (const stream of [first, second]) {
    assertEquals([await stream.next(), await stream.next()], [value(SIGUSR2), value(SIGHUP)]);
  }
  await first.return!();
  arrive(SIGHUP);
  assertEquals(await second.next(), value(SIGHUP));
  assertEquals(await first.next(), done);
});

test("`Interrupt.on()` hears a signal once that is given several times", async () => {
  const stream = Interrupt.on(["SIGUSR2", "usr2", SIGUSR2, "SIGHUP"]);
  arrive(SIGUSR2, SIGHUP);
  assertEquals([await stream.next(), await stream.next()], [value(SIGUSR2), value(SIGHUP)]);
});

test("`Interrupt.on()` and `once()` with a signal that cannot be hooked in the middle leave nothing behind", async () => {
  const assertNothingLeft = traces("SIGUSR2", "SIGHUP", "SIGRTMIN+6");
  for (const [bad, code] of [["SIGKILL", "RESERVED_SIGNAL"], [33, "RESERVED_SIGNAL"]] as const) {
    const signals = ["SIGUSR2", SIGRT6, bad, "SIGHUP"];
    const controller = new CountingController();
    const error = assertThrows(() => Interrupt.on(signals, controller), InterruptError);
    const same = await assertRejects(() => Interrupt.once(signals, controller), InterruptError);
    assertEquals([error.code, same.code, controller.listeners], [code, code, 0]);
    assertNothingLeft(`with ${bad}`);
    controller.abort();
  }
});

test("a signal that arrives while `Interrupt.on()` and `once()` fail to hook another does no harm", async () => {
  const errors = collectErrors();
  testkit.handler_count(SIGRT6, 0n, 0n);
  const stop = startKiller(SIGRT6, 20_000);
  for (let round = 0; round < 500; round++) {
    assertThrows(() => Interrupt.on([SIGRT6, "SIGKILL"]), InterruptError);
    await assertRejects(() => Interrupt.once([SIGRT6, "SIGKILL"]), InterruptError);
  }
  stop();
  assertEquals(errors, []);
});

test("`Interrupt.on()` and `once()` may come and go while their signal arrives without a pause", async () => {
  const errors = collectErrors();
  testkit.handler_count(SIGRT6, 0n, 0n);
  const stop = startKiller(SIGRT6, 20_000);
  for (let round = 0; round < 300; round++) {
    const stream = Interrupt.on([SIGRT6, "SIGUSR2"]);
    checkpoint();
    const first = Interrupt.once(["SIGUSR2", SIGRT6]);
    assertEquals([await stream.next(), await first], [value(SIGRT6), SIGRT6]);
    await stream.return!();
  }
  stop();
  assertEquals(errors, []);
});

test("`Interrupt.on()` and `once()` refuse signals and options that are none, and leave nothing behind", async () => {
  const assertNothingLeft = traces("SIGUSR2");
  const refused: [unknown, unknown, typeof TypeError | typeof RangeError][] = [
    [[], {}, RangeError],
    ["SIGNOPE", {}, RangeError],
    [["SIGUSR2", "SIGNOPE"], {}, RangeError],
    [["SIGUSR2", NaN], {}, RangeError],
    [["SIGUSR2", undefined], {}, TypeError],
    [["SIGUSR2", ["SIGHUP"]], {}, TypeError],
    [undefined, {}, TypeError],
    [null, {}, TypeError],
    [12n, {}, TypeError],
    [{}, {}, TypeError],
    [new Set(["SIGUSR2"]), {}, TypeError],
    ["SIGUSR2", null, TypeError],
    ["SIGUSR2", "signal", TypeError],
    ["SIGUSR2", { signal: null }, TypeError],
    ["SIGUSR2", { signal: {} }, TypeError],
    ["SIGUSR2", { signal: "SIGUSR2" }, TypeError],
    ["SIGUSR2", { signal: new AbortController() }, TypeError],
    ["SIGUSR2", { signals: undefined }, TypeError],
  ];
  for (const [signals, options, expected] of refused) {
    const what = `${JSON.stringify([String(signals), options])}`;
    const args = [signals as never, options as never] as const;
    const error = assertThrows(() => Interrupt.on(...args), expected, undefined, what);
    const same = await assertRejects(() => Interrupt.once(...args), expected, undefined, what);
    assertEquals([error.constructor, same.constructor], [expected, expected], what);
    assertEquals(same.message, error.message);
    assertNothingLeft(what);
  }
});

test("`Interrupt.on()` hears what other Interrupts on the signal hear too", async () => {
  const values: number[] = [];
  const interrupt = new Interrupt({ signal: "SIGUSR2", callback: (value) => values.push(value) });
  const stream = Interrupt.on("SIGUSR2");
  const next = interrupt.wait();
  arrive(SIGUSR2);
  assertEquals([await stream.next(), await next, values], [value(SIGUSR2), SIGUSR2, [SIGUSR2]]);
  await stream.return!();
  arrive(SIGUSR2);
  assertEquals(values, [SIGUSR2, SIGUSR2]);
});

/** Stands for an Interrupt whose close() fails, as when the kernel refuses the old disposition. */
function source(closed: number[], signal: number, close = () => {}) {
  return {
    ref() {},
    unref() {},
    close() {
      closed.push(signal);
      close();
    },
  };
}

test("`Interrupt.on()` closes all its Interrupts even if one cannot put back what its signal did, and tells it", async () => {
  const closed: number[] = [];
  const failure = new InterruptError("SYSTEM", "Cannot put it back");
  const open = (signal: number) =>
    source(closed, signal, () => {
      if (signal === 2) throw failure;
    });
  let caught: unknown;
  try {
    for await (
      const _ of signalStream([1, 2, 3], (signal, callback) => {
        if (signal === 3) callback(3);
        return open(signal);
      }, undefined)
    ) break;
  } catch (error) {
    caught = error;
  }
  assertStrictEquals(caught, failure);
  assertEquals(closed, [1, 2, 3]);
  // A listener of an AbortSignal cannot throw to anybody.
  const controller = new CountingController();
  const next = signalStream([1, 2, 3], open, controller.signal).next();
  controller.abort("enough");
  assertStrictEquals(await next.catch((error) => error), failure);
  assertEquals([closed, controller.listeners], [[1, 2, 3, 1, 2, 3], 0]);
});

test("`Interrupt.on()` that is aborted while it hooks its signals hooks none", async () => {
  const closed: number[] = [];
  const controller = new CountingController();
  const stream = signalStream([1, 2, 3], (signal) => {
    if (signal === 2) controller.abort("enough");
    return source(closed, signal);
  }, controller.signal);
  assertEquals(await stream.next().catch((error) => error), "enough");
  assertEquals([...new Set(closed)].sort(), [1, 2]);
  assertEquals(controller.listeners, 0);
});

test("`Interrupt.on()` gives a signal that arrives while the consumer waits without a checkpoint", async () => {
  const stream = Interrupt.on(["SIGUSR2", "SIGHUP"]);
  for (let round = 0; round < 20; round++) {
    const next = stream.next();
    raise(round % 2 ? SIGUSR2 : SIGHUP);
    assertEquals(await next, value(round % 2 ? SIGUSR2 : SIGHUP));
  }
  let heard = 0;
  void stream.next().then(() => heard++);
  raise(SIGUSR2);
  await until(() => heard === 1);
});
