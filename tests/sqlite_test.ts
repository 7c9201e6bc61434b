import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { agent } from "../src/delivery/agent.ts";
import { checkpoint, Interrupt, InterruptError, interruptible } from "../mod.ts";
import { interruptibleDatabase, type SqliteConnection } from "../sqlite.ts";
import { openDescriptors } from "./support/descriptors.ts";
import { deferred, runtime, type TestOptions, testsOf, turn } from "./support/harness.ts";
import { plainCommand, start, startCommand } from "./support/processes.ts";
import { nameOf } from "./support/name_of.ts";
import { sendFromNative } from "./support/senders.ts";
import {
  type Database,
  drivers,
  endless,
  hasBuiltin,
  isInterrupted,
  long,
  longResult,
  newDatabase,
  nodeSqlite,
  noDriver,
  open,
  openNode,
  outcome,
} from "./support/sqlite.ts";
import { testkit } from "./support/testkit.ts";

const register = testsOf(import.meta.url);

function test(name: string, body: () => unknown, options: TestOptions = {}) {
  register(name, body, { skip: noDriver, ...options });
}

/** A connection of the runtime's driver, tied to this Interrupt. */
function tied(interrupt?: Interrupt): Database {
  const db = open(newDatabase());
  interruptibleDatabase(db, interrupt);
  return db;
}

function errorOf(work: () => unknown): InterruptError {
  return assertThrows(work, InterruptError) as InterruptError;
}

for (const [driver, open] of Object.entries(drivers)) {
  test(`${driver}: a query is stopped by the timeout and the signals of \`interruptible()\`, and the connection goes on`, () => {
    const db = open(newDatabase());
    interruptibleDatabase(db);
    for (let i = 0; i < 3; i++) {
      const all = () => db.prepare(endless).all();
      assertEquals(nameOf(() => interruptible(all, { timeout: 5 })), "TimeoutError");
      const killed = () => {
        testkit.kill(process.pid, 12, 1);
        all();
      };
      assertEquals(nameOf(() => interruptible(killed, { on: "SIGUSR2" })), "AbortError");
      assertEquals(interruptible(() => outcome(db, long), { timeout: 1e6 }), longResult);
    }
    db.close();
    // Bun keeps a connection open until its statements are collected.
    if (driver === "bun:sqlite") return;
    assertEquals(errorOf(() => interruptibleDatabase(db)).code, "CLOSED");
  });

  test(`${driver}: an Interrupt ends a query with the driver's own error, and its callback runs after it`, async () => {
    const values: number[] = [];
    const interrupt = new Interrupt({
      every: 5,
      callback(value) {
        values.push(value);
        interrupt.close();
      },
    });
    const db = open(newDatabase());
    interruptibleDatabase(db, interrupt);
    assertEquals(outcome(db, endless), "interrupted");
    // Nothing is handled, so the next query ends too.
    assertEquals(values, []);
    assertEquals(outcome(db, endless), "interrupted");
    while (values.length === 0) await turn();
    assertEquals(outcome(db, long), longResult);
    db.close();
  });

  test(`${driver}: what a stopped query has changed is rolled back with its whole transaction`, () => {
    using interrupt = new Interrupt();
    const db = open(newDatabase());
    interruptibleDatabase(db, interrupt);
    const count = () => outcome(db, "SELECT count(*) AS n FROM t");
    db.exec("BEGIN");
    db.exec("INSERT INTO t VALUES (0)");
    sendFromNative(interrupt);
    const insert = "INSERT INTO t SELECT a.n FROM t a, t b";
    assert(isInterrupted(assertThrows(() => db.exec(insert))));
    checkpoint();
    assertEquals(count(), 2000);
    assertThrows(() => db.exec("COMMIT"));
    db.exec("INSERT INTO t VALUES (0)");
    assertEquals(count(), 2001);
    db.close();
  });
}

for (const where of ["main", "Worker"]) {
  for (const ms of ["0", "2000"]) {
    const when = `in ${where === "main" ? "the main thread" : "a Worker"} ${
      ms === "0" ? "at start" : "after the event loop was idle"
    }`;
    test(`Ctrl-C stops a query ${when}`, async () => {
      const file = new URL(`./programs/sqlite${import.meta.url.slice(-3)}`, import.meta.url);
      const runs = ["interruptible", "callback"].map(async (way) => {
        const program = start(file, [way, where, ms]);
        assertEquals(await program.line(), "queries");
        process.kill(program.pid, "SIGINT");
        const { code, stdout, stderr } = await program.ended;
        assertEquals(code, 0, stderr);
        return stdout.trim().split("\n").slice(1).join(" ");
      });
      assertEquals(await Promise.all(runs), [
        `AbortError ${longResult}`,
        `interrupted 2 ${longResult}`,
      ]);
    });
  }
}

register("Ctrl-C stops the example in the middle of its work, and it ends well", async () => {
  const file = new URL(`../examples/sqlite_progress${import.meta.url.slice(-3)}`, import.meta.url);
  const program = start(file);
  await program.line();
  process.kill(program.pid, "SIGINT");
  const { code, stdout, stderr } = await program.ended;
  assertEquals(code, 0, stderr);
  assertStringIncludes(stdout, "Stopped.");
}, { skip: noDriver || !hasBuiltin && "the example uses the driver of the runtime" });

test("a Worker and a native thread stop a query", async () => {
  const interrupt = new Interrupt();
  const db = tied(interrupt);
  const order = { do: "signal", target: interrupt.signalFunc(), values: [7] };
  const worker = new Worker(new URL("./programs/worker.ts", import.meta.url));
  await new Promise((resolve) => worker.once("message", resolve));
  worker.postMessage(order);
  assertEquals(outcome(db, endless), "interrupted");
  assertEquals(interrupt.pending, 7);
  await worker.terminate();
  interrupt.handle();
  testkit.plan(1, 5_000_000n);
  const { func, arg } = interrupt.signalFunc();
  const thread = testkit.thread_signal(func, arg);
  assertEquals(outcome(db, endless), "interrupted");
  testkit.thread_join(thread);
  interrupt.close();
});

test("each thread has connections of its own, and stops only those", async () => {
  // With `wake` the turns of the event loop here would handle it.
  using interrupt = new Interrupt({ wake: false });
  const db = tied(interrupt);
  sendFromNative(interrupt);
  const file = new URL(`./programs/sqlite${import.meta.url.slice(-3)}`, import.meta.url);
  const worker = new Worker(file, { workerData: ["finite", "Worker", "0"], stdout: true });
  assertEquals(await new Promise((resolve) => worker.once("message", resolve)), longResult);
  assertEquals(outcome(db, endless), "interrupted");
}, { alone: true });

test("an AbortSignal and nested calls of `interruptible()` stop a query", () => {
  const db = tied();
  const controller = new AbortController();
  const all = () => db.prepare(endless).all();
  using _abort = new Interrupt({ every: 5, callback: () => controller.abort(new Error("enough")) });
  const work = () => {
    while (!controller.signal.aborted) checkpoint();
    all();
  };
  const reason = assertThrows(() => interruptible(work, { signal: controller.signal }));
  assertEquals((reason as Error).message, "enough");
  const inner = () => nameOf(() => interruptible(all, { timeout: 5 }));
  assertEquals(interruptible(inner, { timeout: 1e6 }), "TimeoutError");
  const outer = () => interruptible(() => interruptible(all, { timeout: 1e6 }), { timeout: 5 });
  assertEquals(nameOf(outer), "TimeoutError");
});

test("work that catches the driver's error is stopped at its next checkpoint", () => {
  const db = tied();
  const name = nameOf(() =>
    interruptible(() => {
      assertEquals(outcome(db, endless), "interrupted");
      for (;;) checkpoint();
    }, { timeout: 5 })
  );
  assertEquals(name, "TimeoutError");
});

test("other errors come out of `interruptible()` as they are", () => {
  const db = tied();
  const error = assertThrows(() => interruptible(() => db.exec("NONSENSE"), { timeout: 1e6 }));
  assertStringIncludes((error as Error).message, "syntax error");
});

test("async work: its own first queries are stopped, those of other code are not", async () => {
  const db = tied();
  const own = interruptible(async () => await db.prepare(endless).all(), { timeout: 5 });
  assertEquals(await own.catch((error) => error.name), "TimeoutError");
  const { promise, resolve } = deferred();
  const work = interruptible(() => promise, { timeout: 5 });
  // Its time passes during these.
  for (let i = 0; i < 20; i++) assertEquals(outcome(db, long), longResult);
  assertEquals(await work.catch((error) => error.name), "TimeoutError");
  resolve();
});

test("while it is blocked, an Interrupt stops no query", () => {
  using interrupt = new Interrupt();
  const db = tied(interrupt);
  {
    using _held = interrupt.scopeBlock();
    sendFromNative(interrupt);
    assertEquals(outcome(db, long), longResult);
    interruptible(() => {
      assertEquals(outcome(db, long), longResult);
    }, { timeout: 1e6 });
  }
  sendFromNative(interrupt);
  assertEquals(outcome(db, endless), "interrupted");
});

test("an Interrupt with `every` that is not tied stops no query", () => {
  using _progress = new Interrupt({ every: 0.1, rethrow: true });
  const db = tied();
  assertEquals(outcome(db, long), longResult);
});

test("an iterator that is half read ends with the error, and the connection goes on", () => {
  using interrupt = new Interrupt();
  const db = tied(interrupt);
  const rows = db.prepare("SELECT a.n FROM t a, t b").iterate();
  let read = 0;
  const readAll = () => {
    for (const _row of rows) if (++read === 10) sendFromNative(interrupt);
  };
  // Deno's iterator ends as if there were no more rows.
  if (runtime === "deno") readAll();
  else assert(isInterrupted(assertThrows(readAll)));
  assert(read >= 10 && read < 4_000_000, `${read}`);
  interrupt.handle();
  assertEquals(outcome(db, long), longResult);
  db.close();
});

test("the Interrupt that was tied last counts, until its scope ends", () => {
  using first = new Interrupt();
  using second = new Interrupt();
  const db = open(newDatabase());
  const stoppedBy = (interrupt: Interrupt) => {
    sendFromNative(interrupt);
    // Long enough for the thread that stops better-sqlite3.
    const stopped = outcome(db, "SELECT count(*) AS n FROM t a, t b") === "interrupted";
    interrupt.handle();
    return stopped;
  };
  const both = () => [stoppedBy(first), stoppedBy(second)];
  const tie = interruptibleDatabase(db, first);
  assertEquals(both(), [true, false]);
  {
    using _second = interruptibleDatabase(db, second);
    assertEquals(both(), [false, true]);
    using _again = interruptibleDatabase(db, first);
    assertEquals(both(), [true, false]);
  }
  assertEquals(both(), [true, false]);
  const last = interruptibleDatabase(db, second);
  // The end of one that does not count changes nothing.
  tie[Symbol.dispose]();
  tie[Symbol.dispose]();
  assertEquals(both(), [false, true]);
  last[Symbol.dispose]();
  assertEquals(both(), [false, false]);
  interruptibleDatabase(db, first);
  assertEquals(both(), [true, false]);
  db.close();
});

test("a closed Interrupt stops no query, nor does the next Interrupt in its place", () => {
  const first = new Interrupt();
  const db = tied(first);
  first.close();
  using second = new Interrupt();
  sendFromNative(second);
  assertEquals(outcome(db, long), longResult);
  const timeout = () => interruptible(() => db.prepare(endless).all(), { timeout: 5 });
  assertEquals(nameOf(timeout), "TimeoutError");
});

test("a connection that is closed first leaves nothing to untie", () => {
  using interrupt = new Interrupt();
  const db = open(newDatabase());
  {
    using _tie = interruptibleDatabase(db, interrupt);
    sendFromNative(interrupt);
    db.close();
  }
  interrupt.handle();
  assertEquals(errorOf(() => interruptibleDatabase(db, interrupt)).code, "CLOSED");
  // As in versions of Node that tell only by their error.
  const untold = {
    loadExtension: (path: string) => db.loadExtension(path),
    enableLoadExtension: (on: boolean) =>
      (db as unknown as { enableLoadExtension(on: boolean): void }).enableLoadExtension(on),
  };
  assertEquals(errorOf(() => interruptibleDatabase(untold, interrupt)).code, "CLOSED");
});

test("a connection that is closed and opened again can be tied again", () => {
  using interrupt = new Interrupt();
  const db = open(newDatabase()) as Database & { open?: unknown };
  if (typeof db.open !== "function") return;
  const before = interruptibleDatabase(db, interrupt);
  db.close();
  db.open();
  const after = interruptibleDatabase(db, interrupt);
  sendFromNative(interrupt);
  assertEquals(outcome(db, endless), "interrupted");
  // What was before has ended with the connection, and does not come back.
  after[Symbol.dispose]();
  assertEquals(outcome(db, long), longResult);
  before[Symbol.dispose]();
});

test("two copies of SQLite in one process are stopped by one Interrupt", () => {
  using interrupt = new Interrupt();
  const file = newDatabase();
  const all = Object.values(drivers).map((open) => open(file));
  for (const db of all) interruptibleDatabase(db, interrupt);
  sendFromNative(interrupt);
  for (const db of all) assertEquals(outcome(db, endless), "interrupted");
  interrupt.handle();
  for (const db of all) assertEquals(outcome(db, long), longResult);
  for (const db of all) db.close();
});

test("connections that come and go leave nothing behind", () => {
  // With a signal, because Deno opens two sockets with its first listener or half a second later.
  using interrupt = new Interrupt({ signal: "SIGUSR2" });
  const file = newDatabase();
  const round = () => {
    const db = open(file);
    using _tie = interruptibleDatabase(db, interrupt);
    interruptibleDatabase(db)[Symbol.dispose]();
    sendFromNative(interrupt);
    // A statement of its own would keep the connection of Bun open until it is collected.
    assert(isInterrupted(assertThrows(() => db.exec(endless))));
    db.close();
    interrupt.handle();
  };
  round();
  const maps = () =>
    readFileSync("/proc/self/maps", "utf8").match(/async-interrupt|\.node/g)?.length;
  const before = [openDescriptors(), maps()];
  for (let i = 0; i < 200; i++) round();
  assertEquals([openDescriptors(), maps()], before);
  const { id, native: { functions } } = agent();
  const next = functions.sqlite_open(id);
  functions.sqlite_close(next);
  assertEquals(BigInt.asUintN(32, next), 1n);
});

test("a program that allows extensions only now and then need not change that", () => {
  using interrupt = new Interrupt();
  const db = open(newDatabase()) as Database & { enableLoadExtension?(on: boolean): void };
  db.enableLoadExtension?.(false);
  interruptibleDatabase(db, interrupt);
  sendFromNative(interrupt);
  assertEquals(outcome(db, endless), "interrupted");
  if (!db.enableLoadExtension) return;
  const { message } = assertThrows(() => db.loadExtension("/nonexistent")) as Error;
  assertStringIncludes(message, "not allowed");
});

test("a `DatabaseSync` that allows no extensions is refused, with what to do", () => {
  if (nodeSqlite() === undefined) return;
  const db = openNode(newDatabase(), false);
  const { code, message } = errorOf(() => interruptibleDatabase(db));
  assertEquals(code, "UNSUPPORTED");
  assertStringIncludes(message, "allowExtension: true");
  db.close();
});

const hasPermissionModel = runtime === "node" &&
  process.allowedNodeEnvironmentFlags.has("--permission");

register("with Node's permission model the error says that it forbids extensions", async () => {
  const file = fileURLToPath(new URL("./programs/sqlite.js", import.meta.url));
  const flags = ["--no-warnings", "--permission", "--allow-fs-read=*", "--allow-addons"];
  const { stdout, stderr } = await startCommand([...plainCommand(flags), file, "forbidden"]).ended;
  assertEquals(stderr, "");
  assertStringIncludes(stdout, "UNSUPPORTED");
  assertStringIncludes(stdout, "Node's permission model forbids");
}, {
  skip: noDriver || !hasPermissionModel && "only Node 22 and later have this permission model",
});

register("what is no connection, or no Interrupt, is refused", () => {
  const loadExtension = () => {};
  const bad: [unknown, unknown][] = [
    [undefined, undefined],
    [null, undefined],
    [42, undefined],
    ["data.db", undefined],
    [[], undefined],
    [{}, undefined],
    [{ loadExtension: true }, undefined],
    [{ loadExtension, each: () => {} }, undefined],
    [{ loadExtension }, null],
    [{ loadExtension }, {}],
    [{ loadExtension }, { pollFunc: () => ({ func: 1n, arg: 1n }) }],
  ];
  for (const [db, interrupt] of bad) {
    const { message } = assertThrows(
      () => interruptibleDatabase(db as SqliteConnection, interrupt as Interrupt),
      TypeError,
    ) as Error;
    assertStringIncludes(message, "Cannot make");
  }
  const closed = new Interrupt();
  closed.close();
  assertEquals(errorOf(() => interruptibleDatabase({ loadExtension }, closed)).code, "CLOSED");
  const fails = () => {
    throw new Error("no");
  };
  for (const load of [loadExtension, fails]) {
    const error = errorOf(() => interruptibleDatabase({ loadExtension: load }));
    assertEquals(error.code, "UNSUPPORTED");
  }
});
