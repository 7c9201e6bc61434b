import { assert, assertEquals, assertNotEquals, assertStrictEquals } from "@std/assert";
import process from "node:process";
import { Worker } from "node:worker_threads";
import { checkpoint, Interrupt, type InterruptOptions, sig2name, sig2num } from "../mod.ts";
import { nextSignal } from "../src/signal_stream.ts";
import type { Order } from "./programs/worker.ts";
import { runtime, settle, testsOf, turn, until } from "./support/harness.ts";
import { start } from "./support/processes.ts";
import { collectErrors } from "./support/collect_errors.ts";
import { raise, sendFromNative } from "./support/senders.ts";
import { endsByItself, places, sendTo, signalled } from "./support/signalled_program.ts";
import { SIG_DFL, SIG_IGN, SIGINT, SIGRT6, SIGRT7, SIGRT8, SIGUSR2 } from "./support/signals.ts";
import { startKiller, testkit } from "./support/testkit.ts";
import { CountingController, traces } from "./support/traces.ts";

const test = testsOf(import.meta.url);

const SIGHUP = 1;

// The static method.

for (const { where, ms, name } of places) {
  test(
    `\`Interrupt.once()\` keeps the process alive until a signal comes from another process, ${name}`,
    async () => {
      const told = await Promise.all(
        [SIGHUP, SIGUSR2].map((signal) => signalled({ way: "once", where, ms }, [signal])),
      );
      assertEquals(told, [["heard 1"], ["heard 12"]]);
    },
    { timeout: 30 },
  );

  test(`\`Interrupt.once()\` that is over lets the process end, ${name}`, async () => {
    const ways = ["abortedOnce", "refused", "unusedOnce"];
    await Promise.all(ways.map((way) => endsByItself(way, where, ms)));
  }, { timeout: 30 });

  test(`an Interrupt with \`once\` hears a signal from another process, ${name}`, async () => {
    assertEquals(await signalled({ way: "optionOnce", where, ms }, [SIGUSR2]), ["heard 12"]);
  }, { timeout: 30 });
}

test("`Interrupt.once()` resolves with the number of the signal that arrives, and all signals do what they did before", async () => {
  const assertNothingLeft = traces("SIGUSR2", "SIGHUP", "SIGRTMIN+6");
  for (const signal of [SIGUSR2, SIGHUP, SIGRT6]) {
    const controller = new CountingController();
    const first = Interrupt.once(["SIGUSR2", "SIGHUP", SIGRT6], controller).then((number) => {
      assertNothingLeft(`after ${number}`);
      return number;
    });
    raise(signal);
    assertEquals([await first, controller.listeners], [signal, 0]);
    controller.abort("too late");
  }
});

test("`Interrupt.once()` takes one signal, by name or number, and the same one several times", async () => {
  for (const signals of ["SIGUSR2", "usr2", SIGUSR2, ["SIGUSR2", SIGUSR2, "usr2"]]) {
    const first = Interrupt.once(signals);
    raise(SIGUSR2);
    assertEquals(await first, SIGUSR2);
  }
});

test("`Interrupt.once()` resolves with one of several signals that arrive at once", async () => {
  const all = [SIGHUP, SIGUSR2, SIGRT6];
  for (let round = 0; round < 20; round++) {
    const first = Interrupt.once(all);
    for (const signal of all) raise(signal);
    assert(all.includes(await first));
  }
});

test("two `Interrupt.once()` on one signal both resolve", async () => {
  const both = Promise.all([Interrupt.once("SIGUSR2"), Interrupt.once(["SIGHUP", "SIGUSR2"])]);
  raise(SIGUSR2);
  assertEquals(await both, [SIGUSR2, SIGUSR2]);
});

test("`Interrupt.once()` rejects with the reason of its AbortSignal, and unhooks its signals", async () => {
  const assertNothingLeft = traces("SIGUSR2", "SIGRTMIN+6");
  for (const reason of [new Error("enough"), "enough", null]) {
    const controller = new CountingController();
    const first = Interrupt.once(["SIGUSR2", SIGRT6], controller);
    controller.abort(reason);
    assertNothingLeft("after the abort");
    assertEquals(controller.listeners, 0);
    assertStrictEquals(await first.catch((error) => error), reason);
  }
});

test("`Interrupt.once()` with an AbortSignal that has aborted rejects and hooks nothing", async () => {
  const assertNothingLeft = traces("SIGUSR2");
  const controller = new CountingController();
  controller.abort("before");
  const first = Interrupt.once("SIGUSR2", controller);
  assertNothingLeft();
  assertEquals(await first.catch((error) => error), "before");
  assertEquals(controller.listeners, 0);
});

test("`Interrupt.once()` resolves with a signal that arrived before the abort, and ignores the abort", async () => {
  const assertNothingLeft = traces("SIGUSR2", "SIGHUP");
  const controller = new CountingController();
  const first = Interrupt.once(["SIGHUP", "SIGUSR2"], controller);
  raise(SIGUSR2);
  controller.abort("enough");
  assertEquals(await first, SIGUSR2);
  assertNothingLeft();
});

test("`Interrupt.once()` rejects if another signal cannot be hooked, even when one has arrived by then", async () => {
  const closed: number[] = [];
  const failure = new RangeError("no such signal");
  const controller = new CountingController();
  const result = await new Promise((resolve, reject) => {
    nextSignal(
      [1, 2],
      (signal, callback) => {
        if (signal === 2) throw failure;
        return {
          ref() {},
          unref() {},
          close() {
            closed.push(signal);
            callback(signal);
          },
        };
      },
      controller.signal,
      resolve,
      reject,
    );
  }).catch((error) => error);
  assertStrictEquals(result, failure);
  assertEquals([closed, controller.listeners], [[1], 0]);
});

test("`Interrupt.once()` hears every time when it is called again and again", async () => {
  for (let round = 0; round < 100; round++) {
    const first = Interrupt.once(["SIGUSR2", SIGRT6]);
    raise(round % 2 ? SIGUSR2 : SIGRT6);
    assertEquals(await first, round % 2 ? SIGUSR2 : SIGRT6);
  }
});

// The option.

const secondTime = new URL("./programs/second_time.ts", import.meta.url);

for (const { where, ms, name } of places) {
  test(`a second Ctrl-C ends a computation that never looks, ${name}`, async () => {
    const polls = start(secondTime, ["polls", where, `${ms}`]);
    assertEquals(await polls.line(), "busy");
    sendTo(polls.pid, SIGINT);
    assertEquals(await polls.line(), "pending");
    sendTo(polls.pid, SIGINT);

    const blind = start(secondTime, ["never looks", where, `${ms}`]);
    assertEquals(await blind.line(), "busy");
    let over = false;
    void blind.ended.then(() => over = true);
    // The kernel merges two that come at once.
    while (!over) {
      sendTo(blind.pid, SIGINT);
      await turn();
    }

    for (const { ended } of [polls, blind]) {
      const { code, signal, stderr, hung } = await ended;
      assertEquals(
        { code, signal, stderr, hung },
        { code: null, signal: "SIGINT", stderr: "", hung: false },
      );
    }
  }, { timeout: 40 });
}

/** An Interrupt with `once` that counts its callbacks. */
function opened(options: InterruptOptions) {
  const heard: number[] = [];
  const interrupt = new Interrupt({ once: true, callback: (it) => heard.push(it), ...options });
  return { interrupt, heard };
}

for (const name of ["SIGUSR2", "SIGINT", "SIGTERM", "SIGHUP", "SIGRTMIN+8"]) {
  test(`with \`once\` ${name} does byte for byte what it did before, from its first arrival on`, async () => {
    const signal = sig2num(name)!;
    testkit.disposition_save(signal, 0);
    const { interrupt, heard } = opened({ signal });
    assertEquals(testkit.disposition_same(signal, 0), 0);
    raise(signal);
    assertEquals([interrupt.pending, heard], [signal, []]);
    assertEquals(testkit.disposition_same(signal, 0), 1);
    checkpoint();
    assertEquals([interrupt.pending, heard, interrupt.closed], [0, [signal], false]);
    interrupt.close();
    if (runtime !== "deno" || name.startsWith("SIGRT")) {
      assertEquals(testkit.disposition_same(signal, 0), 1);
    } else {
      // Deno's own handler returns when Deno has called its listeners, and plays the default.
      await until(() => testkit.disposition_word(signal, 0) > SIG_IGN);
    }
  });
}

test("with `once` a handler of native code comes back with its flags and mask at the first arrival", () => {
  const [SA_RESTART, SA_NODEFER] = [0x10000000n, 0x40000000n];
  for (const flags of [0n, SA_RESTART, SA_NODEFER | SA_RESTART]) {
    testkit.handler_count(SIGRT8, flags, 0x12345600n);
    testkit.disposition_save(SIGRT8, 0);
    const { interrupt, heard } = opened({ signal: SIGRT8 });
    raise(SIGRT8);
    assertEquals(testkit.disposition_same(SIGRT8, 0), 1);
    interrupt.close();
    assertEquals(heard, [SIGRT8]);
    assertEquals(testkit.disposition_same(SIGRT8, 0), 1);
  }
  assertEquals(testkit.handled(SIGRT8), 0);
});

test("with `once` an inherited SIG_IGN comes back at the first arrival", async () => {
  const shell = ["sh", "-c", 'trap "" HUP USR2; exec "$@"', "sh"];
  const program = new URL("./programs/inherited.ts", import.meta.url);
  const { code, stdout, stderr } = await start(program, ["once"], { prefix: shell }).ended;
  // Node resets all signals to their defaults when it starts.
  const handler = runtime === "node" ? "default" : "ignored";
  assertEquals([code, stderr, stdout], [0, "", `${handler} true\n`]);
});

test("with `once` the second arrival goes to the handler of native code, the first does not", () => {
  testkit.handler_count(SIGRT8, 0n, 0n);
  const { heard } = opened({ signal: SIGRT8 });
  for (let arrivals = 1; arrivals <= 3; arrivals++) {
    raise(SIGRT8);
    assertEquals(testkit.handled(SIGRT8), arrivals - 1);
  }
  checkpoint();
  assertEquals([heard, testkit.handled(SIGRT8)], [[SIGRT8], 2]);
  raise(SIGRT8);
  checkpoint();
  assertEquals([heard, testkit.handled(SIGRT8)], [[SIGRT8], 3]);
});

for (const order of ["before", "after"]) {
  test(`an Interrupt without \`once\`, opened ${order} one that has it, hears every signal`, async () => {
    const every: number[] = [];
    const open = () => new Interrupt({ signal: "SIGUSR2", callback: (it) => every.push(it) });
    if (order === "before") open();
    const { heard } = opened({ signal: "SIGUSR2" });
    if (order === "after") open();
    // The second one comes before the first is handled.
    raise(SIGUSR2, 2);
    checkpoint();
    assertEquals([every.length, heard], [1, [SIGUSR2]]);
    for (let round = 2; round <= 4; round++) {
      raise(SIGUSR2);
      await until(() => every.length === round);
    }
    assertEquals(heard, [SIGUSR2]);
  });
}

test("two Interrupts with `once` hear one signal each, and the next does what it did before", () => {
  testkit.handler_count(SIGRT8, 0n, 0n);
  testkit.disposition_save(SIGRT8, 0);
  const [first, second] = [opened({ signal: SIGRT8 }), opened({ signal: SIGRT8 })];
  raise(SIGRT8, 2);
  checkpoint();
  assertEquals([first.heard, second.heard, testkit.handled(SIGRT8)], [[SIGRT8], [SIGRT8], 1]);
  const third = opened({ signal: SIGRT8 });
  raise(SIGRT8, 2);
  checkpoint();
  assertEquals([first.heard, second.heard], [[SIGRT8], [SIGRT8]]);
  assertEquals([third.heard, testkit.handled(SIGRT8)], [[SIGRT8], 2]);
  assertEquals(testkit.disposition_same(SIGRT8, 0), 1);
});

test("an Interrupt with `once` that comes when another has heard and was not handled hears the next signal", () => {
  testkit.handler_count(SIGRT8, 0n, 0n);
  const first = opened({ signal: SIGRT8 });
  raise(SIGRT8);
  const second = opened({ signal: SIGRT8 });
  raise(SIGRT8, 3);
  checkpoint();
  assertEquals([first.heard, second.heard, testkit.handled(SIGRT8)], [[SIGRT8], [SIGRT8], 2]);
});

for (const order of ["before", "after"]) {
  test(`a listener of the runtime that came ${order} an Interrupt with \`once\` hears every signal`, async () => {
    const counts = { listener: 0 };
    const listener = () => counts.listener++;
    if (order === "before") process.on("SIGUSR2", listener);
    const { heard } = opened({ signal: "SIGUSR2" });
    if (order === "after") process.on("SIGUSR2", listener);
    for (let round = 1; round <= 3; round++) {
      raise(SIGUSR2);
      await until(() => counts.listener === round && heard.length === 1);
    }
    for (let i = 0; i < 3; i++) await turn();
    assertEquals([heard, counts.listener], [[SIGUSR2], 3]);
    process.off("SIGUSR2", listener);
  });

  test(
    `a listener of the runtime that came ${order} an Interrupt with \`once\` hears a second signal that comes before the first is handled`,
    async () => {
      const counts = { listener: 0 };
      const listener = () => counts.listener++;
      if (order === "before") process.on("SIGUSR2", listener);
      const { heard } = opened({ signal: "SIGUSR2" });
      if (order === "after") process.on("SIGUSR2", listener);
      raise(SIGUSR2, 2);
      await until(() => counts.listener > 0 && heard.length > 0);
      for (let i = 0; i < 3; i++) await turn();
      const before = counts.listener;
      raise(SIGUSR2);
      await until(() => counts.listener > before);
      assertEquals(heard, [SIGUSR2]);
    },
    {
      skip: runtime === "deno" && "on Deno nobody can tell whether the program has listeners",
    },
  );
}

test("a listener of the runtime that comes after an Interrupt with `once` was handled hears every signal", async () => {
  const { heard } = opened({ signal: "SIGUSR2" });
  raise(SIGUSR2);
  await until(() => heard.length === 1);
  if (runtime === "deno") await until(() => testkit.disposition_word(SIGUSR2, 0) > SIG_IGN);
  const counts = { listener: 0 };
  process.on("SIGUSR2", () => counts.listener++);
  for (let round = 1; round <= 3; round++) {
    raise(SIGUSR2);
    await until(() => counts.listener === round);
  }
  assertEquals(heard, [SIGUSR2]);
});

test("a listener of the runtime that comes and goes leaves an Interrupt with `once` as it is", async () => {
  settle("SIGUSR2");
  const { heard } = opened({ signal: "SIGUSR2" });
  for (let round = 0; round < 3; round++) settle("SIGUSR2");
  const listener = () => {};
  process.on("SIGUSR2", listener);
  process.off("SIGUSR2", listener);
  raise(SIGUSR2);
  await until(() => heard.length === 1);
});

for (const options of [{ signalHysteresis: true }, { chain: true }] as const) {
  const name = `\`${Object.keys(options)[0]}\``;
  const chained = "chain" in options ? 1 : 0;

  test(`with \`once\` and ${name} the second signal goes to the earlier handler of native code`, () => {
    testkit.handler_count(SIGRT8, 0n, 0n);
    testkit.disposition_save(SIGRT8, 0);
    const { interrupt, heard } = opened({ signal: SIGRT8, ...options });
    raise(SIGRT8);
    assertEquals([interrupt.pending, testkit.handled(SIGRT8)], [SIGRT8, chained]);
    assertEquals(testkit.disposition_same(SIGRT8, 0), 1);
    raise(SIGRT8);
    assertEquals(testkit.handled(SIGRT8), chained + 1);
    checkpoint();
    raise(SIGRT8);
    checkpoint();
    assertEquals([heard, testkit.handled(SIGRT8)], [[SIGRT8], chained + 2]);
    assertEquals(testkit.disposition_same(SIGRT8, 0), 1);
  });

  test(`with \`once\` and ${name} a handler that other code installed over ours stays and hears every signal`, () => {
    const { heard } = opened({ signal: SIGRT8, ...options });
    const ours = testkit.disposition_word(SIGRT8, 0);
    testkit.handler_forward(SIGRT8, ours, BigInt(SIGRT8));
    testkit.disposition_save(SIGRT8, 0);
    for (let round = 1; round <= 3; round++) {
      raise(SIGRT8);
      assertEquals(testkit.handled(SIGRT8), round);
      assertEquals(testkit.disposition_same(SIGRT8, 0), 1);
      checkpoint();
      assertEquals(heard, [SIGRT8]);
      assertEquals(testkit.disposition_same(SIGRT8, 0), 1);
    }
  });
}

test("between the first arrival and its handling `signalHysteresis` may change: the second does what it did before", () => {
  testkit.handler_count(SIGRT8, 0n, 0n);
  testkit.disposition_save(SIGRT8, 0);
  const { interrupt, heard } = opened({ signal: SIGRT8 });
  raise(SIGRT8);
  for (const on of [true, false, true]) {
    interrupt.signalHysteresis = on;
    assertEquals(testkit.disposition_same(SIGRT8, 0), 1);
    raise(SIGRT8);
  }
  checkpoint();
  assertEquals([heard, testkit.handled(SIGRT8)], [[SIGRT8], 3]);
  assertEquals(testkit.disposition_same(SIGRT8, 0), 1);
});

for (const once of [false, true]) {
  test(`between the first arrival and its handling another Interrupt ${once ? "with" : "without"} \`once\` may come and go: then a signal does what it did before`, () => {
    testkit.handler_count(SIGRT8, 0n, 0n);
    testkit.disposition_save(SIGRT8, 0);
    const { heard } = opened({ signal: SIGRT8 });
    raise(SIGRT8);
    for (let round = 1; round <= 3; round++) {
      const other = opened({ signal: SIGRT8, once });
      assertEquals(testkit.disposition_same(SIGRT8, 0), 0);
      if (round === 2) raise(SIGRT8);
      other.interrupt.close();
      assertEquals(other.heard, round === 2 ? [SIGRT8] : []);
      assertEquals(testkit.disposition_same(SIGRT8, 0), 1);
      raise(SIGRT8);
      assertEquals(testkit.handled(SIGRT8), round);
    }
    checkpoint();
    assertEquals(heard, [SIGRT8]);
    assertEquals(testkit.disposition_same(SIGRT8, 0), 1);
  });
}

test("an Interrupt with `signalHysteresis` has its effect when one with `once` beside it was handled", () => {
  const every: number[] = [];
  const stays = new Interrupt({
    signal: SIGRT8,
    signalHysteresis: true,
    callback: (it) => every.push(it),
  });
  const { heard } = opened({ signal: SIGRT8 });
  raise(SIGRT8);
  checkpoint();
  raise(SIGRT8);
  assertEquals(testkit.disposition_word(SIGRT8, 0), SIG_IGN);
  raise(SIGRT8);
  checkpoint();
  raise(SIGRT8);
  checkpoint();
  assertEquals([every.length, heard], [3, [SIGRT8]]);
  stays.close();
});

const listeners = {
  skip: runtime === "deno" && "on Deno nobody can tell whether the program has listeners",
};

test(
  "a listener of the runtime that comes between the first arrival and its handling hears the second",
  async () => {
    const { heard } = opened({ signal: "SIGUSR2" });
    raise(SIGUSR2);
    const counts = { listener: 0 };
    process.on("SIGUSR2", () => counts.listener++);
    for (let round = 0; round < 3; round++) {
      const before = counts.listener;
      raise(SIGUSR2);
      await until(() => counts.listener > before);
    }
    await until(() => heard.length === 1);
    for (let i = 0; i < 3; i++) await turn();
    assertEquals(heard, [SIGUSR2]);
  },
  listeners,
);

test(
  "when all listeners of the runtime go between the first arrival and its handling, the signal does what it did before",
  async () => {
    process.on("SIGUSR2", () => {});
    const { heard } = opened({ signal: "SIGUSR2" });
    raise(SIGUSR2);
    process.removeAllListeners("SIGUSR2");
    assertEquals(testkit.disposition_word(SIGUSR2, 0), SIG_DFL);
    await until(() => heard.length === 1);
    for (let i = 0; i < 3; i++) await turn();
    assertEquals(testkit.disposition_word(SIGUSR2, 0), SIG_DFL);
    assertEquals(process.listenerCount("SIGUSR2"), 0);
  },
  listeners,
);

for (const when of ["before the first arrival", "between the first arrival and its handling"]) {
  test(
    `when the last listener of the runtime goes ${when}, the signal does what it did before`,
    async () => {
      const listener = () => {};
      process.on("SIGUSR2", listener);
      const { heard } = opened({ signal: "SIGUSR2" });
      if (when.startsWith("before")) process.off("SIGUSR2", listener);
      raise(SIGUSR2);
      process.off("SIGUSR2", listener);
      assertEquals(testkit.disposition_word(SIGUSR2, 0), SIG_DFL);
      await until(() => heard.length === 1);
      for (let i = 0; i < 3; i++) await turn();
      assertEquals(testkit.disposition_word(SIGUSR2, 0), SIG_DFL);
      assertEquals(process.listenerCount("SIGUSR2"), 0);
    },
    runtime === "bun" ? { skip: "Bun does not tell when a listener goes by off()" } : listeners,
  );
}

test("what other code installs between the first arrival and its handling stays", () => {
  for (const install of [() => testkit.handler_count(SIGRT8, 0n, 0n), testkit.handler_ignore]) {
    testkit.handler_default(SIGRT8);
    const { interrupt, heard } = opened({ signal: SIGRT8 });
    raise(SIGRT8);
    install(SIGRT8);
    testkit.disposition_save(SIGRT8, 0);
    checkpoint();
    assertEquals([heard, testkit.disposition_same(SIGRT8, 0)], [[SIGRT8], 1]);
    interrupt.close();
    assertEquals(testkit.disposition_same(SIGRT8, 0), 1);
  }
});

/**
 * For `traces()`. Deno's handler returns when Deno has called its listeners, and not at once; all
 * others must be back by then.
 */
function isBack(name: string): boolean {
  return runtime !== "deno" || testkit.disposition_same(sig2num(name)!, sig2num(name)!) === 1;
}

for (const name of ["SIGUSR2", "SIGRTMIN+6"]) {
  test(`with \`once\` on ${name} nothing stays behind when it was handled, ten times in a row`, async () => {
    const assertNothingLeft = traces(name);
    const all: Interrupt[] = [];
    for (let round = 0; round < 10; round++) {
      const { interrupt, heard } = opened({ signal: name });
      all.push(interrupt);
      raise(sig2num(name)!);
      await until(() => heard.length === 1 && isBack(name));
      assertNothingLeft(`round ${round}`);
      assertEquals([heard, interrupt.closed], [[sig2num(name)], false]);
    }
    for (const interrupt of all) interrupt.close();
    assertNothingLeft("closed");
  });
}

test("an Interrupt with `once` that has had its signal works on in all other ways", async () => {
  const { interrupt, heard } = opened({ signal: "SIGUSR2" });
  raise(SIGUSR2);
  checkpoint();
  const next = interrupt.wait();
  interrupt.signal(5);
  sendFromNative(interrupt, 6);
  assertEquals(await next, 5);
  await until(() => heard.length === 3);
  interrupt.signalHysteresis = true;
  interrupt.signalHysteresis = false;
  interrupt.block();
  interrupt.signal(7);
  interrupt.unblock();
  assertEquals(heard, [SIGUSR2, 5, 6, 7]);
  interrupt.close();
  assert(interrupt.closed);
});

test("with `once` a value that is no signal leaves the signal hooked", () => {
  testkit.handler_count(SIGRT8, 0n, 0n);
  const { interrupt, heard } = opened({ signal: SIGRT8 });
  interrupt.signal(5);
  sendFromNative(interrupt, 6);
  checkpoint();
  raise(SIGRT8, 2);
  checkpoint();
  assertEquals([heard, testkit.handled(SIGRT8)], [[5, 6, SIGRT8], 1]);
});

test("a callback of `once` that throws has had its signal, and may hook it anew", () => {
  const errors = collectErrors<Error>();
  testkit.handler_count(SIGRT8, 0n, 0n);
  let calls = 0;
  const hook = () => {
    new Interrupt({
      signal: SIGRT8,
      once: true,
      callback() {
        if (++calls < 10) hook();
        throw new Error(`call ${calls}`);
      },
    });
  };
  hook();
  for (let round = 1; round <= 12; round++) {
    raise(SIGRT8);
    checkpoint();
  }
  assertEquals([calls, errors.length, testkit.handled(SIGRT8)], [10, 10, 2]);
});

test("with `once` and `close()` before the signal, all is as before", () => {
  const assertNothingLeft = traces("SIGUSR2", "SIGRTMIN+6");
  for (const signal of ["SIGUSR2", SIGRT6]) {
    const { interrupt, heard } = opened({ signal });
    interrupt.close();
    assertNothingLeft(`${signal}`);
    assertEquals(heard, []);
  }
});

test("with `once` and `close()` between the signal and its handling, it is handled once and all is as before", async () => {
  const assertNothingLeft = traces("SIGUSR2", "SIGRTMIN+6");
  for (const signal of [SIGUSR2, SIGRT6]) {
    const { interrupt, heard } = opened({ signal });
    raise(signal);
    interrupt.close();
    checkpoint();
    await until(() => isBack(`${sig2name(signal)}`));
    assertNothingLeft(`${signal}`);
    assertEquals(heard, [signal]);
  }
});

test("with `once` a blocked Interrupt hears its signal when it is unblocked, and the second one does what it did before", () => {
  testkit.handler_count(SIGRT8, 0n, 0n);
  testkit.disposition_save(SIGRT8, 0);
  const { interrupt, heard } = opened({ signal: SIGRT8 });
  interrupt.block();
  raise(SIGRT8, 2);
  checkpoint();
  assertEquals(testkit.disposition_same(SIGRT8, 0), 1);
  assertEquals([heard, interrupt.pending, testkit.handled(SIGRT8)], [[], SIGRT8, 1]);
  interrupt.unblock();
  assertEquals([heard, interrupt.pending], [[SIGRT8], 0]);
  assertEquals(testkit.disposition_same(SIGRT8, 0), 1);
});

test("with `once` exactly one of a thousand signals goes to the Interrupt, and all others to the earlier handler", () => {
  testkit.handler_count(SIGRT8, 0n, 0n);
  for (let round = 0; round < 20; round++) {
    const before = testkit.handled(SIGRT8);
    const { interrupt, heard } = opened({ signal: SIGRT8 });
    testkit.plan(1000, 0n);
    const arg = BigInt(testkit.tid()) * 256n + BigInt(SIGRT8);
    const thread = testkit.thread_call(testkit.killer_address(), arg);
    while (testkit.thread_done(thread) === 0) checkpoint();
    testkit.thread_join(thread);
    checkpoint();
    assertEquals([heard, testkit.handled(SIGRT8) - before], [[SIGRT8], 999]);
    interrupt.close();
  }
});

test("Interrupts with `once` come and go while their signal arrives without a pause, and each hears one", () => {
  const errors = collectErrors();
  testkit.handler_count(SIGRT8, 0n, 0n);
  const stop = startKiller(SIGRT8, 20_000);
  for (let round = 0; round < 1000; round++) {
    const { interrupt, heard } = opened({ signal: SIGRT8, signalHysteresis: round % 2 === 0 });
    while (heard.length === 0) checkpoint();
    checkpoint();
    assertEquals(heard, [SIGRT8]);
    if (round % 3 > 0) interrupt.close();
  }
  stop();
  assertEquals(errors, []);
  const before = testkit.handled(SIGRT8);
  raise(SIGRT8);
  assertEquals(testkit.handled(SIGRT8), before + 1);
});

/** Starts a Worker that follows orders; see programs/worker.ts. */
async function startWorker() {
  const worker = new Worker(new URL("./programs/worker.ts", import.meta.url));
  const next = () => new Promise((resolve) => worker.once("message", resolve));
  await next();
  const ask = (order: Order) => {
    const answer = next();
    worker.postMessage(order);
    return answer;
  };
  return { worker, next, ask };
}

for (const signal of [SIGRT7, SIGUSR2]) {
  test(
    `Interrupts with \`once\` in Workers hear signal ${signal} once, and then it does what it did before`,
    async () => {
      testkit.handler_count(signal, 0n, 0n);
      testkit.disposition_save(signal, 0);
      for (let round = 1; round <= 3; round++) {
        const workers = [await startWorker(), await startWorker()];
        for (const { ask } of workers) await ask({ do: "open", signal, once: true });
        const heard = Promise.all(workers.map(({ next }) => next()));
        testkit.kill(testkit.pid(), signal, 1);
        assertEquals(await heard, [signal, signal]);
        // The main thread may have listened for the Workers, and stops with its next turn.
        await until(() => testkit.disposition_same(signal, 0) === 1);
        testkit.kill(testkit.pid(), signal, 1);
        await until(() => testkit.handled(signal) === round);
        for (const { worker } of workers) {
          const ended = new Promise((resolve) => worker.once("exit", resolve));
          void worker.terminate();
          await ended;
        }
      }
    },
    {
      skip: runtime === "deno" && signal === SIGUSR2 &&
        "Deno's handler stays over the handler that counts, and plays the default action",
    },
  );
}

for (const order of ["before", "after"]) {
  test(
    `a listener of the runtime on the main thread that came ${order} a Worker's Interrupt with \`once\` hears every signal`,
    async () => {
      const counts = { listener: 0 };
      const listen = () => process.on("SIGUSR2", () => counts.listener++);
      // Without one, a Worker's Interrupt need not work beside listeners of the main thread.
      new Interrupt();
      if (order === "before") listen();
      const { ask, next } = await startWorker();
      await ask({ do: "open", signal: "SIGUSR2", once: true });
      // Bun's main thread listens for its Workers from its next turn on.
      for (let i = 0; i < 3; i++) await turn();
      if (order === "after") listen();
      const told = next();
      for (let round = 1; round <= 3; round++) {
        testkit.kill(testkit.pid(), SIGUSR2, 1);
        await until(() => counts.listener === round);
        assertEquals(await told, SIGUSR2);
      }
    },
    listeners,
  );
}

test("with `once` an Interrupt of the main thread hears one signal and that of a Worker without it all", async () => {
  const { heard } = opened({ signal: SIGRT7 });
  const { ask, next } = await startWorker();
  await ask({ do: "open", signal: SIGRT7 });
  for (let round = 0; round < 3; round++) {
    const told = next();
    testkit.kill(testkit.pid(), SIGRT7, 1);
    assertEquals(await told, SIGRT7);
    await until(() => heard.length === 1);
  }
  assertEquals(heard, [SIGRT7]);
});

test("the second of two `close()` of an Interrupt with `once` does not touch what a new one has hooked", () => {
  const first = opened({ signal: SIGRT8 });
  raise(SIGRT8);
  checkpoint();
  const second = opened({ signal: SIGRT8 });
  first.interrupt.close();
  first.interrupt.close();
  assertNotEquals(testkit.disposition_word(SIGRT8, 0), SIG_DFL);
  raise(SIGRT8);
  second.interrupt.close();
  assertEquals([second.heard, testkit.disposition_word(SIGRT8, 0)], [[SIGRT8], SIG_DFL]);
});
