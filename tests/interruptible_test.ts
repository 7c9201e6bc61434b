import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { AsyncLocalStorage } from "node:async_hooks";
import process from "node:process";
import { checkpoint, Interrupt, interruptible } from "../mod.ts";
import { deferred, settle, testsOf, turn, until } from "./support/harness.ts";
import { start } from "./support/processes.ts";
import { nameOf } from "./support/name_of.ts";
import { SIGINT, SIGUSR2 } from "./support/signals.ts";
import { testkit } from "./support/testkit.ts";

const test = testsOf(import.meta.url);

/** Computes until it is stopped. */
function compute(): never {
  for (;;) checkpoint();
}

function kill(signal: number) {
  testkit.kill(process.pid, signal, 1);
}

test("`interruptible()` returns what the work returns, also a promise of it", async () => {
  assertEquals(interruptible(() => 42), 42);
  assertEquals(interruptible(() => 42, { on: ["SIGINT", "SIGTERM"], timeout: 1e6 }), 42);
  assertEquals(await interruptible(() => Promise.resolve(42), { timeout: 1e6 }), 42);
});

test("a signal stops the work with an `AbortError` that names it, and `finally` runs", () => {
  let finals = 0;
  const error = assertThrows(() =>
    interruptible(() => {
      try {
        kill(SIGUSR2);
        compute();
      } finally {
        finals++;
      }
    }, { on: ["SIGINT", "SIGUSR2"] })
  ) as DOMException;
  assert(error instanceof DOMException);
  assertEquals([error.name, error.message], ["AbortError", "Interrupted by SIGUSR2"]);
  assertEquals(finals, 1);
});

test("the timeout stops the work with a `TimeoutError`, also one of 0", () => {
  for (const timeout of [0, 0.01, 30]) {
    assertEquals(nameOf(() => interruptible(compute, { timeout })), "TimeoutError");
  }
});

test("the stack of the error begins with the code that was interrupted", () => {
  for (const options of [{ on: "SIGUSR2" }, { on: "SIGUSR2", timeout: 0 }] as const) {
    const error = assertThrows(() =>
      interruptible(() => {
        if (!("timeout" in options)) kill(SIGUSR2);
        compute();
      }, options)
    ) as DOMException;
    const [head, ...calls] = error.stack!.split("\n");
    assertEquals(head, `${error}`);
    assertMatch(calls[0]!, /^ +at compute /);
  }
});

test("a program's own Error.prepareStackTrace() that throws does not keep the work going", () => {
  const { prepareStackTrace } = Error;
  Error.prepareStackTrace = () => {
    throw new Error("the program's own");
  };
  try {
    assertEquals(nameOf(() => interruptible(compute, { timeout: 0 })), "TimeoutError");
  } finally {
    Error.prepareStackTrace = prepareStackTrace!;
  }
});

test("an AbortSignal stops the work with its reason", () => {
  const controller = new AbortController();
  using outside = new Interrupt({ callback: () => controller.abort("enough") });
  try {
    interruptible(() => {
      Interrupt.signal(outside.signalFunc());
      compute();
    }, { signal: controller.signal });
    assert(false, "it was not stopped");
  } catch (reason) {
    assertEquals(reason, "enough");
  }
  let runs = 0;
  try {
    interruptible(() => runs++, { signal: controller.signal });
  } catch (reason) {
    assertEquals(reason, "enough");
  }
  assertEquals(runs, 0);
});

test("the end of the work is a checkpoint", () => {
  assertEquals(nameOf(() => interruptible(() => kill(SIGUSR2), { on: SIGUSR2 })), "AbortError");
});

test("what the work throws comes out, and everything is closed", async () => {
  settle("SIGUSR2");
  testkit.disposition_save(SIGUSR2, SIGUSR2);
  const error = assertThrows(() =>
    interruptible(() => {
      kill(SIGUSR2);
      throw new Error("mine");
    }, { on: SIGUSR2, timeout: 1e6 })
  ) as Error;
  assertEquals(error.message, "mine");
  // On Deno not before its own thread has told our listener.
  await until(() => testkit.disposition_same(SIGUSR2, SIGUSR2) === 1);
});

test("work that catches the error goes on, and is not told again", () => {
  const done = interruptible(() => {
    assertEquals(nameOf(compute), "TimeoutError");
    for (let i = 0; i < 1e6; i++) checkpoint();
    return "done";
  }, { timeout: 5 });
  assertEquals(done, "done");
});

test("calls nest: each is stopped for its own reason", () => {
  const inner = () => interruptible(compute, { timeout: 5 });
  assertEquals(
    interruptible(() => nameOf(inner), { timeout: 1e6, on: "SIGINT" }),
    "TimeoutError",
  );
  const outer = nameOf(() =>
    interruptible(() => {
      kill(SIGUSR2);
      interruptible(compute, { timeout: 1e6 });
    }, { on: SIGUSR2 })
  );
  assertEquals(outer, "AbortError");
});

test("two that are stopped at the same checkpoint are both stopped", () => {
  const seen: string[] = [];
  const outer = nameOf(() =>
    interruptible(() => {
      seen.push(nameOf(() =>
        interruptible(() => {
          kill(SIGUSR2);
          kill(SIGINT);
          compute();
        }, { on: SIGUSR2 })
      ));
      compute();
    }, { on: SIGINT })
  );
  assertEquals([...seen, outer], ["AbortError", "AbortError"]);
});

test("async work: the promise rejects in the event loop, and the rest stops at its checkpoint", async () => {
  let finals = 0;
  const { promise, resolve } = deferred();
  const error = await assertRejects(() =>
    interruptible(async () => {
      try {
        await promise;
        compute();
      } finally {
        finals++;
      }
    }, { timeout: 5 })
  ) as DOMException;
  assertEquals([error.name, finals], ["TimeoutError", 0]);
  resolve();
  while (finals === 0) await turn();
});

test("async work is not stopped at the checkpoints of other code", async () => {
  const { promise, resolve } = deferred();
  const work = interruptible(() => promise, { on: SIGUSR2 });
  kill(SIGUSR2);
  checkpoint();
  await assertRejects(() => work);
  for (let i = 0; i < 1e6; i++) checkpoint();
  resolve();
});

test("async work that never turns the event loop is stopped at its checkpoint", async () => {
  const work = interruptible(async () => {
    for (;;) {
      await null;
      checkpoint();
    }
  }, { timeout: 5 });
  const error = await assertRejects(() => work) as DOMException;
  assertEquals(error.name, "TimeoutError");
});

test("the AsyncLocalStorage of the caller is that of the work", () => {
  const storage = new AsyncLocalStorage<number>();
  storage.run(7, () => {
    assertEquals(interruptible(() => storage.getStore(), { timeout: 1e6 }), 7);
    assertEquals(storage.getStore(), 7);
  });
});

test("bad arguments are refused, and leave nothing behind", () => {
  settle("SIGUSR2");
  testkit.disposition_save(SIGUSR2, SIGUSR2);
  const bad: [unknown, unknown, new () => Error][] = [
    [42, {}, TypeError],
    [() => {}, null, TypeError],
    [() => {}, { timeouts: 1 }, TypeError],
    [() => {}, { timeout: "1" }, TypeError],
    [() => {}, { timeout: -1 }, RangeError],
    [() => {}, { timeout: NaN }, RangeError],
    [() => {}, { signal: {} }, TypeError],
    [() => {}, { on: [] }, RangeError],
    [() => {}, { on: ["SIGUSR2", "SIGNOPE"] }, RangeError],
  ];
  for (const [work, options, type] of bad) {
    assertThrows(() => interruptible(work as () => void, options as object), type);
  }
  assertEquals(nameOf(() => interruptible(() => {}, { on: ["SIGUSR2", 9] })), "InterruptError");
  assertEquals(testkit.disposition_same(SIGUSR2, SIGUSR2), 1);
});

test("a second Ctrl-C kills work that never looks", async () => {
  const file = new URL(`./programs/deaf${import.meta.url.slice(-3)}`, import.meta.url);
  const program = start(file);
  assertEquals(await program.line(), "computes");
  process.kill(program.pid, "SIGINT");
  assertEquals(await program.line(), "pending");
  process.kill(program.pid, "SIGINT");
  const { signal, code } = await program.ended;
  assert(signal === "SIGINT" || code === 130, `${signal} ${code}`);
});

test("async work that is awaited keeps the process alive until it is stopped", async () => {
  const file = new URL(`./programs/awaits${import.meta.url.slice(-3)}`, import.meta.url);
  const { code, stdout } = await start(file).ended;
  assertEquals([code, stdout.trim()], [0, "TimeoutError"]);
});
