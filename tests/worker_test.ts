import { assert, assertEquals, assertThrows } from "@std/assert";
import process from "node:process";
import { Worker } from "node:worker_threads";
import { checkpoint, Interrupt, type NativeFunction } from "../mod.ts";
import { openDescriptors } from "./support/descriptors.ts";
import { leavesEventLoops, runtime, settle, testsOf, until } from "./support/harness.ts";
import { start } from "./support/processes.ts";
import { startKiller, testkit } from "./support/testkit.ts";
import type { Order } from "./programs/worker.ts";
import { SIGRT8, SIGTERM, SIGUSR2 } from "./support/signals.ts";

const test = testsOf(import.meta.url);

/** The part of both kinds of Worker that is used here. */
interface Thread {
  postMessage(order: Order): void;
  terminate(): unknown;
}

interface WebWorker extends Thread {
  onmessage: (event: { data: unknown }) => void;
}

const program = new URL("./programs/worker.ts", import.meta.url);
const { Worker: WebWorker } = globalThis as unknown as {
  Worker?: new (file: URL, options: { type: "module" }) => WebWorker;
};

const nodeWorker = "Worker of node:worker_threads";
const kinds = WebWorker ? [nodeWorker, "Web Worker"] : [nodeWorker];

/** Starts a Worker; its messages arrive in order. */
async function startWorker(kind = nodeWorker) {
  const said: unknown[] = [];
  const waiting: ((message: unknown) => void)[] = [];
  const hear = (message: unknown) => {
    const resolve = waiting.shift();
    if (resolve) resolve(message);
    else said.push(message);
  };
  let worker: Thread;
  let ended = Promise.resolve();
  if (kind === nodeWorker) {
    const node = worker = new Worker(program);
    node.on("message", hear);
    ended = new Promise((resolve) => node.on("exit", () => resolve()));
  } else {
    // A Web Worker does not report its end.
    const web = worker = new WebWorker!(program, { type: "module" });
    web.onmessage = ({ data }) => hear(data);
  }
  const next = () =>
    said.length > 0
      ? Promise.resolve(said.shift())
      : new Promise((resolve) => waiting.push(resolve));
  assertEquals(await next(), "ready");
  return {
    worker,
    next,
    ended,
    order: (order: Order) => worker.postMessage(order),
    async ask(order: Order) {
      worker.postMessage(order);
      return await next();
    },
    async open(order: Partial<Order> = {}) {
      return await this.ask(
        { do: "open", ...order } as Order,
      ) as NativeFunction;
    },
  };
}

test("a Worker signals the main thread while that computes", async () => {
  const values: number[] = [];
  const interrupt = new Interrupt({ callback: (value) => values.push(value) });
  const { order, next } = await startWorker();
  order({ do: "signal", target: interrupt.signalFunc(), values: [41, 42] });
  // The event loop does not turn in between.
  while (values.at(-1) !== 42) checkpoint();
  assertEquals(await next(), [true, true]);
});

test("the main thread signals a Worker while that computes", async () => {
  const other = await startWorker();
  const target = await other.open();
  assertEquals(await other.ask({ do: "crunch", until: 7 }), "crunching");
  assertEquals(Interrupt.signal(target, 7), true);
  const messages = [await other.next(), await other.next()];
  assertEquals(messages, [7, true]);
});

test("the main thread wakes a Worker's event loop", async () => {
  const other = await startWorker();
  const target = await other.open();
  for (let value = 1; value <= 50; value++) {
    assertEquals(Interrupt.signal(target, value), true);
    assertEquals(await other.next(), value);
  }
  assertEquals(Interrupt.signal(target, 0), true);
  assertEquals(await other.next(), 1);
});

test("a Worker wakes the main thread's event loop", async () => {
  const interrupt = new Interrupt();
  const other = await startWorker();
  for (let value = 1; value <= 50; value++) {
    const handled = interrupt.wait();
    other.order({
      do: "signal",
      target: interrupt.signalFunc(),
      values: [value],
    });
    assertEquals(await handled, value);
    assertEquals(await other.next(), [true]);
  }
});

test("two threads signal each other back and forth", async () => {
  const rounds = 2000;
  let last = 0;
  const interrupt = new Interrupt({
    callback: (value) => {
      last = value;
      if (value < rounds) Interrupt.signal(target, value + 1);
    },
  });
  const other = await startWorker();
  const target = await other.open({ forward: interrupt.signalFunc() });
  Interrupt.signal(target, 1);
  await until(() => last >= rounds);
});

test("a native thread wakes a Worker's event loop", async () => {
  const other = await startWorker();
  const { func, arg } = await other.open();
  testkit.call_value(func, arg, 5);
  assertEquals(await other.next(), 5);
});

test("`checkpoint()` in a Worker runs only the callbacks of that Worker", async () => {
  let calls = 0;
  const interrupt = new Interrupt({ wake: false, callback: () => calls++ });
  const other = await startWorker();
  await other.open({ wake: false });
  const { func, arg } = interrupt.signalFunc();
  testkit.call_value(func, arg, 1);
  assertEquals(await other.ask({ do: "checkpoint" }), "checked");
  assertEquals([calls, interrupt.pending], [0, 1]);
  checkpoint();
  assertEquals([calls, interrupt.pending], [1, 0]);
});

test("`Interrupt.signal()` of a closed Interrupt returns false, in any thread", async () => {
  const interrupt = new Interrupt();
  const mine = interrupt.signalFunc();
  const other = await startWorker();
  const theirs = await other.open();
  interrupt.close();
  assertEquals(Interrupt.signal(mine), false);
  assertEquals(await other.ask({ do: "signal", target: mine, values: [1] }), [
    false,
  ]);
  assertEquals(await other.ask({ do: "close" }), "closed");
  assertEquals(Interrupt.signal(theirs), false);
  // Nor does it reach a later Interrupt.
  const next = Array.from({ length: 10 }, () => new Interrupt());
  assertEquals(Interrupt.signal(mine), false);
  assertEquals(Interrupt.signal(theirs), false);
  assertEquals(next.map(({ pending }) => pending), next.map(() => 0));
});

test("`Interrupt.signal()` on its own thread is handled later, not inside the call", () => {
  let calls = 0;
  const interrupt = new Interrupt({ callback: () => calls++ });
  assertEquals(Interrupt.signal(interrupt.signalFunc(), 3), true);
  assertEquals([calls, interrupt.pending], [0, 3]);
  checkpoint();
  assertEquals(calls, 1);
});

test("`Interrupt.signal()` rejects anything that is not a `signalFunc()`", () => {
  const interrupt = new Interrupt();
  const { func, arg } = interrupt.signalFunc();
  const forged = [
    undefined,
    null,
    5,
    "func",
    {},
    { func },
    { func, arg: 0n },
    { func, arg: Number(arg) },
    { func, arg: arg + 1000n },
    { func, arg: 2n ** 64n - 1n },
    { func, arg: -1n },
    { func, arg: arg + (1n << 32n) },
    { func: 0n, arg },
    { func: func + 1n, arg },
    interrupt.blockFunc(),
  ];
  forged.forEach((target, index) => {
    assertThrows(
      () => Interrupt.signal(target as NativeFunction),
      TypeError,
      undefined,
      `forged[${index}]`,
    );
  });
  assertEquals(interrupt.pending, 0);
});

test("main thread and Worker hook one signal: both are signalled", async () => {
  settle("SIGUSR2");
  testkit.disposition_save(SIGUSR2, 0);
  const interrupt = new Interrupt({ signal: SIGUSR2 });
  const other = await startWorker();
  await other.open({ signal: "SIGUSR2" });
  for (let round = 0; round < 5; round++) {
    const mine = interrupt.wait();
    testkit.kill(testkit.pid(), SIGUSR2, 1);
    assertEquals([await mine, await other.next()], [SIGUSR2, SIGUSR2]);
  }
  interrupt.close();
  assertEquals(testkit.disposition_same(SIGUSR2, 0), 0);
  testkit.kill(testkit.pid(), SIGUSR2, 1);
  assertEquals(await other.next(), SIGUSR2);
  assertEquals(await other.ask({ do: "close" }), "closed");
  // Bun's main thread listens for its Workers until its next turn.
  await until(() => testkit.disposition_same(SIGUSR2, 0) === 1);
});

/** Why the parent cannot let a Worker of node:worker_threads end by itself. */
const neverEnds = /^1\.[0-3]\./.test(process.versions.bun ?? "") &&
  "before Bun 1.4 parentPort.close() does not end a Worker";

for (const end of ["terminated", "left to end by itself"] as const) {
  const options = { skip: end !== "terminated" && neverEnds };
  const stop = async (
    { worker, order, ended }: Awaited<ReturnType<typeof startWorker>>,
  ) => {
    if (end === "terminated") void worker.terminate();
    else order({ do: "end" });
    await ended;
  };

  test(
    `a Worker that is ${end} leaves the old disposition behind`,
    async () => {
      settle("SIGUSR2");
      testkit.disposition_save(SIGUSR2, 0);
      const other = await startWorker();
      await other.open({ signal: "SIGUSR2" });
      assertEquals(testkit.disposition_same(SIGUSR2, 0), 0);
      await stop(other);
      await until(() => testkit.disposition_same(SIGUSR2, 0) === 1);
    },
    options,
  );

  test(`a Worker that is ${end} leaves its signal to the other threads`, async () => {
    const interrupt = new Interrupt({ signal: SIGUSR2 });
    const other = await startWorker();
    const target = await other.open({ signal: "SIGUSR2" });
    await stop(other);
    await until(() => !Interrupt.signal(target));
    for (let round = 0; round < 3; round++) {
      const next = interrupt.wait();
      testkit.kill(testkit.pid(), SIGUSR2, 1);
      assertEquals(await next, SIGUSR2);
    }
  }, options);

  test(
    `a native thread that signals a Worker that is ${end} keeps running`,
    async () => {
      for (let round = 0; round < 5; round++) {
        const other = await startWorker();
        const target = await other.open();
        testkit.plan(0, 20_000n);
        const thread = testkit.thread_signal(target.func, target.arg);
        await other.next();
        await stop(other);
        await until(() => !Interrupt.signal(target));
        // The slots and descriptors of the Worker are reused by now.
        const next = Array.from({ length: 5 }, () => new Interrupt());
        testkit.thread_stop(thread);
        assert(testkit.thread_join(thread) > 0);
        assertEquals(next.map(({ pending }) => pending), [0, 0, 0, 0, 0]);
      }
    },
    options,
  );
}

test("Workers that come and go leak no descriptor", async () => {
  const round = async () => {
    const other = await startWorker();
    const target = await other.open({ signal: "SIGUSR2" });
    void other.worker.terminate();
    await other.ended;
    await until(() => !Interrupt.signal(target));
  };
  for (let i = 0; i < 3; i++) await round();
  const before = openDescriptors();
  const rounds = 20;
  for (let i = 0; i < rounds; i++) await round();
  // Deno closes the descriptors of its last few Workers only with the next Worker; a leak of ours
  // would be one descriptor per Worker.
  await until(() => openDescriptors() < before + rounds / 2);
}, { skip: leavesEventLoops });

for (const kind of kinds) {
  test(
    `a ${kind} that computes is terminated with its Interrupts`,
    async () => {
      testkit.disposition_save(SIGUSR2, 0);
      const other = await startWorker(kind);
      const target = await other.open({ signal: "SIGUSR2" });
      assertEquals(await other.ask({ do: "crunch", until: -1 }), "crunching");
      void other.worker.terminate();
      await other.ended;
      await until(() => !Interrupt.signal(target));
      await until(() => testkit.disposition_same(SIGUSR2, 0) === 1);
    },
    {
      skip: (runtime === "deno" || /^1\.2\./.test(process.versions.bun ?? "")) &&
        "Deno's terminate() does not stop a busy Worker",
    },
  );

  test(`each ${kind} on one signal hears it, and those that are terminated in the middle of a burst leave it to the others`, async () => {
    testkit.handler_count(SIGRT8, 0n, 0n);
    testkit.disposition_save(SIGRT8, 0);
    const others = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const heard = { calls: 0 };
        const interrupt = new Interrupt({ callback: () => heard.calls++ });
        const other = await startWorker(kind);
        const forward = interrupt.signalFunc();
        const target = await other.open({ signal: "SIGRTMIN+8", forward });
        return { ...other, heard, target };
      }),
    );
    const raise = () => testkit.kill(testkit.pid(), SIGRT8, 1);
    while (others.length > 0) {
      for (const { heard } of others) heard.calls = 0;
      raise();
      await until(() => others.every(({ heard }) => heard.calls > 0));
      const { worker, ended, target } = others.pop()!;
      const stop = startKiller(SIGRT8, 20_000);
      void worker.terminate();
      await ended;
      await until(() => !Interrupt.signal(target));
      stop();
    }
    await until(() => testkit.disposition_same(SIGRT8, 0) === 1);
    const before = testkit.handled(SIGRT8);
    raise();
    assertEquals(testkit.handled(SIGRT8), before + 1);
  });
}

test("SIGTERM kills the process again once the Worker that hooked it is terminated", async () => {
  const file = new URL("./programs/terminated.ts", import.meta.url);
  const { line, pid, ended } = start(file);
  const first = await line();
  // If it has ended, how it did says more than the missing line.
  if (first === "ready") testkit.kill(pid, SIGTERM, 1);
  const { code, signal, stderr } = await ended;
  assertEquals({ first, code, signal, stderr }, {
    first: "ready",
    code: null,
    signal: "SIGTERM",
    stderr: "",
  });
}, {
  skip: /^2\.([0-8]\.|9\.[0-5]$)/.test(process.versions.deno ?? "") &&
    "until 2.9.5 Deno still catches what a terminated Worker listened to",
});

test("a Worker is terminated in a burst of SIGTERM, which the main thread hooks too", async () => {
  const file = new URL("./programs/terminated.ts", import.meta.url);
  const { code, signal, stderr } = await start(file, ["hooked"]).ended;
  assertEquals({ code, signal, stderr }, { code: 0, signal: null, stderr: "" });
});

test("the library survives the Worker that opened it first", async () => {
  const file = new URL("./programs/first_worker.ts", import.meta.url);
  const { code, signal, stdout, stderr } = await start(file).ended;
  assertEquals({ code, signal, stdout, stderr }, {
    code: 0,
    signal: null,
    stdout: "",
    stderr: "",
  });
}, { alone: true });
