/** The drivers of SQLite that this runtime has, behind one interface. */

import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { atExit } from "./at_exit.ts";
import { type Reason, runtime } from "./harness.ts";
import { type Database, openLibsqlite3 } from "./libsqlite3.ts";

export type { Database };

interface NodeSqlite {
  DatabaseSync: {
    new (file: string, options: { allowExtension: boolean }): Database;
    prototype: Partial<Database>;
  };
}

/** The driver that comes with the runtime; undefined if it has none that loads extensions. */
const builtin: ((file: string) => Database) | undefined = runtime === "bun"
  ? (file) => {
    const { Database } = process.getBuiltinModule("bun:sqlite") as unknown as {
      Database: new (file: string) => Database;
    };
    return new Database(file);
  }
  : "loadExtension" in (nodeSqlite()?.DatabaseSync.prototype ?? {})
  ? (file) => openNode(file, true)
  : undefined;

/** Whether the runtime has a driver of its own. */
export const hasBuiltin: boolean = builtin !== undefined;

/** node:sqlite, where there is one. */
export function nodeSqlite(): NodeSqlite | undefined {
  if (runtime === "bun") return undefined;
  return process.getBuiltinModule("node:sqlite") as unknown as NodeSqlite | undefined;
}

export function openNode(file: string, allowExtension: boolean): Database {
  return new (nodeSqlite()!.DatabaseSync)(file, { allowExtension });
}

/** How to open a database file, by the name of the driver. The first is the one of most tests. */
export const drivers: Record<string, (file: string) => Database> = {};
/** verify/drivers.ts installs it. */
const betterSqlite3 = runtime === "node" && process.env.BETTER_SQLITE3;
if (betterSqlite3) {
  const Database = createRequire(betterSqlite3)("better-sqlite3");
  // better-sqlite3 12.11.1 aborts Node 24 when a task of V8 collects a connection or a statement.
  const kept: unknown[] = [];
  const keep = <T>(object: T) => {
    kept.push(object);
    return object;
  };
  drivers["better-sqlite3"] = (file) => {
    const db: Database = keep(new Database(file));
    const prepare = db.prepare.bind(db);
    db.prepare = (sql) => keep(prepare(sql));
    return db;
  };
}
if (builtin !== undefined) drivers[runtime === "bun" ? "bun:sqlite" : "node:sqlite"] = builtin;
if (runtime === "deno") drivers["libsqlite3"] = openLibsqlite3;

/** Why there is no driver to test. */
export const noDriver: Reason = Object.keys(drivers).length === 0 &&
  "this runtime has no SQLite that loads extensions";

/** Opens a database file with the first driver. */
export function open(file: string): Database {
  return Object.values(drivers)[0]!(file);
}

/** The name of a new file for a database, with 2,000 rows in the table `t`. */
export function newDatabase(): string {
  const folder = mkdtempSync(join(tmpdir(), "sqlite-test-"));
  atExit(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "data.db");
  const db = open(file);
  db.exec("CREATE TABLE t (n INTEGER)");
  db.exec(
    "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 2000) INSERT INTO t SELECT n FROM c",
  );
  db.close();
  return file;
}

/** A query that takes longer than any test. */
export const endless = "SELECT count(*) AS n FROM t a, t b, t c, t d WHERE a.n + b.n + c.n < d.n";

/** A query that makes many thousand steps, and its result. */
export const long = "SELECT count(*) AS n FROM t a, (SELECT n FROM t LIMIT 50) b";
export const longResult = 100_000;

/** How a query ends: `"interrupted"` by the driver's own error, else with this number or error. */
export function outcome(db: Database, sql: string): unknown {
  try {
    return db.prepare(sql).all()[0]?.n;
  } catch (error) {
    return isInterrupted(error) ? "interrupted" : error;
  }
}

/**
 * Whether this is a driver's own error for SQLITE_INTERRUPT. Not every function of Deno's driver
 * gives the number.
 */
export function isInterrupted(error: unknown): boolean {
  return (error as Error).message === "interrupted";
}
