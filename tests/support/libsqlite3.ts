/**
 * The system's own SQLite through Deno.dlopen, in the shape of @db/sqlite, which does the same: the
 * second copy of SQLite in a process.
 */

import type { SqliteConnection } from "../../sqlite.ts";

/** What all drivers have, under the names of most. */
interface Statement {
  all(): Record<string, unknown>[];
  iterate(): IterableIterator<Record<string, unknown>>;
}

/** A connection to a database file, as its driver made it. */
export interface Database extends SqliteConnection {
  prepare(sql: string): Statement;
  exec(sql: string): unknown;
  close(): void;
}

const OK = 0;
const ROW = 100;

/** Opens a database file. */
export function openLibsqlite3(file: string): Database {
  const { symbols } = Deno.dlopen("libsqlite3.so.0", {
    sqlite3_open: { parameters: ["buffer", "buffer"], result: "i32" },
    sqlite3_close: { parameters: ["u64"], result: "i32" },
    sqlite3_errmsg: { parameters: ["u64"], result: "pointer" },
    sqlite3_enable_load_extension: { parameters: ["u64", "i32"], result: "i32" },
    sqlite3_load_extension: { parameters: ["u64", "buffer", "u64", "u64"], result: "i32" },
    sqlite3_prepare_v2: {
      parameters: ["u64", "buffer", "i32", "buffer", "u64"],
      result: "i32",
    },
    sqlite3_step: { parameters: ["u64"], result: "i32" },
    sqlite3_column_int64: { parameters: ["u64", "i32"], result: "i64" },
    sqlite3_finalize: { parameters: ["u64"], result: "i32" },
  });
  const text = (value: string) => new TextEncoder().encode(`${value}\0`);
  const pointer = new BigUint64Array(1);
  let db = 0n;
  const check = (status: number) => {
    if (status === OK || status >= ROW) return status;
    const message = new Deno.UnsafePointerView(symbols.sqlite3_errmsg(db)!).getCString();
    throw Object.assign(new Error(message), { errcode: status });
  };
  const opened = symbols.sqlite3_open(text(file), new Uint8Array(pointer.buffer));
  db = pointer[0]!;
  check(opened);
  const prepare = (sql: string) => {
    check(symbols.sqlite3_prepare_v2(db, text(sql), -1, new Uint8Array(pointer.buffer), 0n));
    return pointer[0]!;
  };
  function* rows(sql: string) {
    const statement = prepare(sql);
    try {
      while (check(symbols.sqlite3_step(statement)) === ROW) {
        yield { n: Number(symbols.sqlite3_column_int64(statement, 0)) };
      }
    } finally {
      symbols.sqlite3_finalize(statement);
    }
  }
  return {
    get open() {
      return db !== 0n;
    },
    unsafeHandle: db,
    set enableLoadExtension(on: boolean) {
      check(symbols.sqlite3_enable_load_extension(db, Number(on)));
    },
    loadExtension: (path: string) => check(symbols.sqlite3_load_extension(db, text(path), 0n, 0n)),
    prepare: (sql: string) => ({ all: () => [...rows(sql)], iterate: () => rows(sql) }),
    exec: (sql: string) => [...rows(sql)],
    close() {
      check(symbols.sqlite3_close(db));
      db = 0n;
    },
  } as Database;
}
