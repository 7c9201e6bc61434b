import { agent } from "./delivery/agent.ts";
import { checked, describe, InterruptError } from "../ffi/errors.ts";
import { loadAgain } from "../ffi/load.ts";
import { POLL_FUNCTION } from "../ffi/symbols.ts";
import type { Interrupt } from "./interrupt.ts";

/**
 * A connection to SQLite: a `Database` of bun:sqlite, better-sqlite3 or @db/sqlite, or a
 * `DatabaseSync` of node:sqlite that was opened with `allowExtension: true`.
 */
export interface SqliteConnection {
  /** Loads an extension of SQLite. */
  loadExtension(path: string): unknown;
}

/** What differs between the drivers: how to allow extensions, and what is closed. */
interface Driver extends SqliteConnection {
  /** A function in node:sqlite, a property in @db/sqlite. */
  enableLoadExtension?: ((on: boolean) => void) | boolean;
  /** node:sqlite. */
  readonly isOpen?: boolean;
  /** better-sqlite3 and @db/sqlite. */
  readonly open?: boolean;
}

/** One connection, and all that it is tied to now: the last counts. */
interface Tied {
  token: bigint;
  readonly interrupts: { readonly token: bigint }[];
}

const what = "Cannot make the queries of this connection interruptible";
/** What the native side takes for no Interrupt. */
const NOTHING = 0n;
const ONLY_INTERRUPTIBLE = 1n;

const connections = new WeakMap<SqliteConnection, Tied>();

/**
 * Makes the queries of a connection to SQLite interruptible: one that runs, and blocks JavaScript,
 * ends with the driver's own error for `SQLITE_INTERRUPT`
 *
 * - when {@linkcode interruptible}() is to stop the synchronous work that the query is part of. It
 *   then throws its `TimeoutError`, `AbortError` or reason, and not the driver's error;
 * - with `interrupt`, also while that Interrupt is pending and not blocked. Its callback runs as
 *   usual, in the event loop or at the next {@linkcode checkpoint}(); until then, each further
 *   query of the connection ends too.
 *
 * SQLite asks every 1,000 steps of its virtual machine, which is less than a millisecond; a query
 * of fewer steps is not stopped. As always after `SQLITE_INTERRUPT`, an `INSERT`, `UPDATE` or
 * `DELETE` that was stopped has rolled its whole transaction back.
 *
 * A connection has one progress handler: one that it had is replaced. If it is tied several times,
 * the last counts, and when that ends, the one before does again.
 *
 * @param db the connection, of the synchronous drivers that {@linkcode SqliteConnection} lists.
 * @param interrupt what else stops its queries.
 * @returns an object that unties them at the end of a `using` scope. The end of the connection or
 * of this realm does so too. Once `interrupt` is closed, only {@linkcode interruptible}() is left.
 * @throws {TypeError} if `db` is no such connection, or `interrupt` no Interrupt.
 * @throws {InterruptError} with code `CLOSED` if one of them is closed; `UNSUPPORTED` if the driver
 * loads no extension, with what to do; as the constructor of {@linkcode Interrupt}.
 *
 * @example Five seconds or Ctrl-C
 * ```ts ignore
 * import { interruptible } from "@async/interrupt";
 * import { interruptibleDatabase } from "@async/interrupt/sqlite";
 * import { DatabaseSync } from "node:sqlite";
 *
 * const db = new DatabaseSync("data.db", { allowExtension: true });
 * interruptibleDatabase(db);
 * const rows = interruptible(() => db.prepare("SELECT * FROM a, b, c").all(), {
 *   timeout: 5000,
 *   on: "SIGINT",
 * });
 * ```
 */
export function interruptibleDatabase(db: SqliteConnection, interrupt?: Interrupt): Disposable {
  checkConnection(db);
  const entry = { token: interrupt === undefined ? ONLY_INTERRUPTIBLE : tokenOf(interrupt) };
  const tied = connections.get(db) ?? { token: NOTHING, interrupts: [] };
  connections.set(db, tied);
  const { functions } = agent().native;
  if (functions.sqlite_ask(tied.token, entry.token) === 0) {
    // The first; or the connection was closed and opened again, or is tied by another copy of this
    // module, which ends what was before.
    tied.token = tie(db);
    tied.interrupts.length = 0;
    functions.sqlite_ask(tied.token, entry.token);
  }
  tied.interrupts.push(entry);
  return {
    [Symbol.dispose]() {
      const index = tied.interrupts.indexOf(entry);
      if (index < 0) return;
      tied.interrupts.splice(index, 1);
      functions.sqlite_ask(tied.token, tied.interrupts.at(-1)?.token ?? NOTHING);
    },
  };
}

function checkConnection(db: unknown): void {
  const is = typeof db === "object" && db !== null && !Array.isArray(db);
  if (is && "each" in db) {
    throw new TypeError(
      `${what}: node-sqlite3 does not block JavaScript: call its own interrupt()`,
    );
  }
  if (is && typeof (db as Driver).loadExtension === "function") return;
  if (is && db.constructor?.name === "DatabaseSync") {
    throw unsupported("this version of node:sqlite loads no extensions: update Node to 22.13");
  }
  throw new TypeError(
    `${what}: db must be a Database of bun:sqlite, better-sqlite3 or @db/sqlite, or a DatabaseSync of node:sqlite, not ${
      is ? "another object" : describe(db)
    }`,
  );
}

function tokenOf(interrupt: Interrupt): bigint {
  if (typeof (interrupt as Partial<Interrupt> | null)?.pollFunc !== "function") {
    throw new TypeError(`${what}: interrupt must be an Interrupt, not ${describe(interrupt)}`);
  }
  const { func, arg } = interrupt.pollFunc();
  if (func === agent().native.functions.function_address(POLL_FUNCTION)) return arg;
  throw new TypeError(`${what}: the Interrupt is of another version of this module`);
}

/** Makes the connection load the native library. Returns the token of its new tie. */
function tie(db: Driver): bigint {
  const { id, native: { functions } } = agent();
  if ((db.isOpen ?? db.open) === false) throw closed(db);
  const token = functions.sqlite_open(id);
  checked(Number(BigInt.asIntN(64, token)), what);
  try {
    const isLoaded = loadAgain((path) => {
      load(db, path);
      return checked(functions.sqlite_loaded(token), what) === 1;
    });
    if (!isLoaded) throw new Error("it has loaded nothing, or another copy of this library");
    return token;
  } catch (error) {
    functions.sqlite_close(token);
    throw error instanceof InterruptError ? error : failure(db, error);
  }
}

/** Loads the library, also where the program allows extensions only now and then. */
function load(db: Driver, path: string): void {
  try {
    db.loadExtension(path);
  } catch (error) {
    // To allow it on a closed connection kills Node.
    if (!("enableLoadExtension" in db) || saysClosed(error)) throw error;
    allow(db, true);
    try {
      db.loadExtension(path);
    } finally {
      allow(db, false);
    }
  }
}

function allow(db: Driver, on: boolean): void {
  if (typeof db.enableLoadExtension === "function") db.enableLoadExtension(on);
  else db.enableLoadExtension = on;
}

function failure(db: Driver, error: unknown): InterruptError {
  if (saysClosed(error)) return closed(db);
  const text = textOf(error);
  const name = driverOf(db);
  if (name === "node:sqlite" && /not allowed|not enabled|disabled at/.test(text)) {
    return unsupported(
      "open the DatabaseSync of node:sqlite with { allowExtension: true }, which Node's permission model forbids",
      error,
    );
  }
  return unsupported(`${name} cannot load the extension: ${text}`, error);
}

/** Bun, and Node before 22.15, tell only so. */
function saysClosed(error: unknown): boolean {
  return /not open|closed database/.test(textOf(error));
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : `${error}`;
}

function driverOf(db: Driver): string {
  if (db.constructor?.name === "DatabaseSync") return "node:sqlite";
  if ("pragma" in db) return "better-sqlite3";
  if ("unsafeHandle" in db) return "@db/sqlite";
  return "bun:sqlite";
}

function closed(db: Driver): InterruptError {
  return new InterruptError("CLOSED", `${what}: ${driverOf(db)} has closed it: open it first`);
}

function unsupported(why: string, cause?: unknown): InterruptError {
  return new InterruptError("UNSUPPORTED", `${what}: ${why}`, { cause });
}
