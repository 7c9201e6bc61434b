/**
 * `sqlite.ts <way> <count> [driver]`: a query on a database file blocks, and is stopped. How long
 * does that take, and how long until the next query has answered? What does it cost queries that
 * nobody stops?
 */

import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { finish, kit, memory } from "./benchkit.ts";

interface Database {
  prepare(sql: string): { all(): unknown };
  exec(sql: string): unknown;
  loadExtension(path: string): unknown;
  close(): void;
}

const { SIGUSR2 } = constants.signals;

/** ns until the query is stopped, chosen at random. */
const pace = [5_000_000n, 10_000_000n] as const;

/** 3,200 by 3,200 are 10^7. */
const rows = 3200;
const joined = "SELECT count(*) AS n FROM t a, t b WHERE a.n + b.n > 0";
const endless = "SELECT count(*) AS n FROM t a, t b, t c, t d WHERE a.n + b.n + c.n < d.n";
/** Terminating a Worker waits for the end of its query. */
const second = `${joined} UNION ALL ${joined}`;

function open(file: string): Database {
  // deno-lint-ignore no-explicit-any
  const builtin = process.getBuiltinModule as (name: string) => any;
  return process.versions.bun
    ? new (builtin("bun:sqlite").Database)(file)
    : new (builtin("node:sqlite").DatabaseSync)(file, { allowExtension: true });
}

/** The driver that the command names: "libsqlite3", or the folder where better-sqlite3 is. */
async function opener(): Promise<(file: string) => Database> {
  const driver = process.argv[4];
  if (driver === undefined) return open;
  if (driver === "libsqlite3") {
    const { openLibsqlite3 } = await import("../../tests/support/libsqlite3.ts");
    return openLibsqlite3 as unknown as (file: string) => Database;
  }
  const Database = createRequire(driver)("better-sqlite3");
  return (file) => new Database(file);
}

function newDatabase(): { file: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), "sqlite-bench-"));
  const file = join(folder, "data.db");
  const db = open(file);
  db.exec("CREATE TABLE t (n INTEGER PRIMARY KEY)");
  db.exec(
    `WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT ${rows}) INSERT INTO t SELECT n FROM c`,
  );
  db.close();
  return { file, remove: () => rmSync(folder, { recursive: true }) };
}

/** Milliseconds. */
function timed(work: () => void): number {
  const start = kit.now_ns();
  work();
  return Number(kit.now_ns() - start) / 1e6;
}

/** How much longer it takes with the first connection than with the second: the best of 7 each. */
function ratio(connections: Database[], work: (db: Database) => void): number {
  const best = connections.map(() => Infinity);
  for (let round = 0; round < 7; round++) {
    for (const [i, db] of connections.entries()) {
      best[i] = Math.min(best[i]!, timed(() => work(db)));
    }
  }
  return best[0]! / best[1]!;
}

async function interrupt(count: number): Promise<void> {
  const { Interrupt } = await import("../../mod.ts");
  const { interruptibleDatabase } = await import("../../sqlite.ts");
  const { file, remove } = newDatabase();
  const open = await opener();
  const db = open(file);
  const interrupt = new Interrupt({ signal: "SIGUSR2" });
  interruptibleDatabase(db, interrupt);
  const reaction: number[] = [];
  const again: number[] = [];
  const descriptors = () => readdirSync("/proc/self/fd").length;
  const before = descriptors();
  kit.plan(1, 1, 0n);
  kit.pace(...pace);
  const sent = new BigUint64Array(memory(kit.sent_address(), 8));
  for (let i = 0; i < count; i++) {
    kit.start(kit.kill_address(), BigInt(SIGUSR2));
    let error = 0n;
    try {
      db.exec(endless);
    } catch {
      error = kit.now_ns();
    }
    interrupt.handle();
    db.exec("SELECT 1");
    const answer = kit.now_ns();
    kit.join();
    reaction.push(Number(error - sent[0]!) / 1000);
    again.push(Number(answer - sent[0]!) / 1000);
  }
  const both = [db, open(file)];
  const join = ratio(both, (db) => db.exec(joined));
  const selects = ratio(both, (db) => {
    const select = db.prepare("SELECT n FROM t WHERE n = 7");
    for (let i = 0; i < 100_000; i++) select.all();
  });
  // Two descriptors or fewer belong to the second connection.
  const left = Math.max(0, descriptors() - before - 2);
  remove();
  finish({ reaction, again, worst: Math.max(...reaction), join, selects, left });
}

/** Starts a child, or a Worker, that queries. */
interface Started {
  /** Ends it, and resolves when the runtime says that it has ended. */
  end(): Promise<void>;
  answered: Promise<void>;
}

async function restarted(count: number, start: (sql: string) => Promise<Started>, sql: string) {
  const reaction: number[] = [];
  const again: number[] = [];
  for (let i = 0; i < count; i++) {
    const { end } = await start(sql);
    kit.pace(...pace);
    kit.pause();
    const begin = kit.now_ns();
    await end();
    reaction.push(Number(kit.now_ns() - begin) / 1000);
    const next = await start("SELECT 1 AS n");
    await next.answered;
    again.push(Number(kit.now_ns() - begin) / 1000);
    await next.end();
  }
  finish({ reaction, again, worst: Math.max(...reaction) });
}

async function subprocess(count: number): Promise<void> {
  const { file } = newDatabase();
  const self = new URL(import.meta.url).pathname;
  const command = process.versions.deno
    ? ["sh", "-c", `exec '${process.execPath}' "$@"`, "sh", "run", "-A", "--no-config", self]
    : [process.execPath, self];
  await restarted(count, (sql) =>
    new Promise((resolve) => {
      const [program, ...args] = command;
      const child = spawn(program!, [...args, "child", file, sql], {
        stdio: ["ignore", "pipe", "ignore"],
      });
      const ended = new Promise<void>((done) => child.once("exit", () => done()));
      let answer = () => {};
      const answered = new Promise<void>((done) => answer = done);
      child.stdout.on("data", (data: Uint8Array) => {
        const text = String(data);
        if (text.includes("answered")) answer();
        if (!text.includes("queries")) return;
        const end = () => {
          child.kill("SIGKILL");
          return ended;
        };
        resolve({ end, answered });
      });
    }), endless);
}

function child(): void {
  const [file, sql] = process.argv.slice(3);
  const db = open(file!);
  writeSync(1, "queries\n");
  db.exec(sql!);
  writeSync(1, "answered\n");
  setInterval(() => {}, 1e6);
}

async function worker(count: number): Promise<void> {
  const { file } = newDatabase();
  await restarted(count, async (sql) => {
    const worker = new Worker(new URL("./sqlite.ts", import.meta.url), {
      workerData: { file, sql },
    });
    let answer = () => {};
    const answered = new Promise<void>((done) => answer = done);
    await new Promise<void>((resolve) => {
      worker.on("message", (text) => text === "queries" ? resolve() : answer());
    });
    return { answered, end: () => worker.terminate().then(() => {}) };
  }, second);
}

const ways: Record<string, (count: number) => unknown> = { interrupt, subprocess, worker, child };

if (isMainThread) {
  const [way, count] = process.argv.slice(2);
  await ways[way!]!(Number(count));
} else {
  const { file, sql } = workerData;
  parentPort!.postMessage("queries");
  open(file).exec(sql);
  parentPort!.postMessage("answered");
}
