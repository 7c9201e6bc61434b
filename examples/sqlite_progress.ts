/**
 * A long job in SQLite with a progress bar, which Ctrl-C stops in the middle of a query. What is
 * done by then is in the database, and the rest can be done later: run it again.
 *
 * `deno run -A examples/sqlite_progress.ts data.db`, or with `bun` or `node`.
 */
import { writeSync } from "node:fs";
import process from "node:process";
import { interruptible } from "../mod.ts";
import { interruptibleDatabase, type SqliteConnection } from "../sqlite.ts";

interface Database extends SqliteConnection {
  exec(sql: string): unknown;
  prepare(sql: string): { get(): unknown };
  close(): void;
}

/** The driver of the runtime. */
function open(file: string): Database {
  // deno-lint-ignore no-explicit-any
  const builtin = process.getBuiltinModule as (name: string) => any;
  return process.versions.bun
    ? new (builtin("bun:sqlite").Database)(file)
    : new (builtin("node:sqlite").DatabaseSync)(file, { allowExtension: true });
}

/** How many parts the job has. Each part is one query, and one transaction. */
const PARTS = 50;

const db = open(process.argv[2] ?? ":memory:");
interruptibleDatabase(db);
db.exec("CREATE TABLE IF NOT EXISTS triples (c INTEGER, a INTEGER, b INTEGER)");
db.exec("CREATE TABLE IF NOT EXISTS done (part INTEGER PRIMARY KEY)");

/** All right triangles with whole sides whose longest side is in this part. */
function work(part: number) {
  const numbers = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 600)";
  db.exec("BEGIN");
  db.exec(`${numbers} INSERT INTO triples SELECT c.x, a.x, b.x FROM n AS c, n AS a, n AS b
    WHERE c.x % ${PARTS} = ${part} AND a.x < b.x AND b.x < c.x AND a.x * a.x + b.x * b.x = c.x * c.x`);
  db.exec(`INSERT INTO done VALUES (${part})`);
  db.exec("COMMIT");
}

function draw(parts: number) {
  const bar = "#".repeat(parts).padEnd(PARTS, ".");
  writeSync(1, `${process.stdout.isTTY ? "\r" : ""}[${bar}] ${parts}/${PARTS}`);
  if (!process.stdout.isTTY) writeSync(1, "\n");
}

function count(table: string): number {
  return (db.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number }).n;
}

try {
  interruptible(() => {
    for (let part = count("done"); part < PARTS; part++) {
      draw(part);
      work(part);
    }
    draw(PARTS);
  }, { on: "SIGINT" });
  console.log("\nDone.");
} catch (error) {
  if ((error as Error).name !== "AbortError") throw error;
  console.log("\nStopped. Run it again to go on.");
}
console.log(`${count("triples")} right triangles in ${count("done")} parts`);
db.close();
