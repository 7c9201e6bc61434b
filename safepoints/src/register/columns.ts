import { type Edit, textOf } from "../poll.ts";

/** A file with safepoints. */
export interface Instrumented {
  /** The text with safepoints. The engine has the same one, so it costs no memory to keep it. */
  code: string;
  edits: readonly Edit[];
  texts: readonly string[];
  /** How many columns were inserted before the first line. */
  before?: number;
}

/** What was inserted into a file. */
interface Insertions {
  lines: number;
  /** By the number of the line: where a text begins in the new line, and how long it is. */
  byLine: Map<number, [column: number, length: number][]>;
}

/** Between two lines. */
export const lineEnd = /\r\n?|[\n\u2028\u2029]/g;

/** By their URLs. Where insertions are is found out when a stack needs it: most never do. */
const files = new Map<string, Instrumented | Finder | Insertions>();

/** Finds out where safepoints were inserted; undefined if the file has changed since. */
type Finder = () => Instrumented | undefined;

/** Remembers where safepoints were inserted. */
export function remember(url: string, file: Instrumented | Finder): void {
  files.set(url, file);
}

/** Whether there are files with safepoints. */
export function hasFiles(): boolean {
  return files.size > 0;
}

/**
 * The column in the source; undefined below its last line.
 *
 * @param line from 1 on.
 * @param column from 1 on, in the text with safepoints.
 */
export function columnInSource(url: string, line: number, column: number): number | undefined {
  let file = files.get(url);
  if (typeof file === "function") file = file();
  if (file === undefined) return column;
  if ("code" in file) files.set(url, file = insertionsOf(file));
  if (line > file.lines) return undefined;
  let inserted = 0;
  for (const [start, length] of file.byLine.get(line) ?? []) {
    if (start >= column) break;
    // A place in a safepoint is that of what follows it.
    inserted += Math.min(length, column - start);
  }
  return column - inserted;
}

/** What was inserted, by the lines. */
export function insertionsOf({ code, edits, texts, before }: Instrumented): Insertions {
  const byLine: Insertions["byLine"] = new Map();
  const starts = [0];
  for (const { index, 0: end } of code.matchAll(lineEnd)) starts.push(index + end.length);
  const insert = (line: number, column: number, length: number) => {
    if (!byLine.has(line)) byLine.set(line, []);
    byLine.get(line)!.push([column, length]);
  };
  const first = before ?? 0;
  insert(1, 1, first);
  let line = 1;
  let inserted = 0;
  for (const [place, form] of edits) {
    const at = place + inserted;
    while (at >= starts[line]!) line++;
    const { length } = textOf(code, [at, form], texts);
    insert(line, at - starts[line - 1]! + 1 + (line === 1 ? first : 0), length);
    inserted += length;
  }
  return { lines: starts.length, byLine };
}
