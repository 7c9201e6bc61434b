/**
 * SQLite queries that Ctrl-C, a time limit or another thread stops while JavaScript is blocked in
 * them: bun:sqlite, node:sqlite, better-sqlite3, @db/sqlite.
 *
 * @module
 */
export { interruptibleDatabase, type SqliteConnection } from "./src/sqlite.ts";
