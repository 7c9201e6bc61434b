import { writeSync } from "node:fs";
import process from "node:process";
import { pathToFileURL } from "node:url";

/** How many functions are shown. */
const LIMIT = 50;

/** Frames of the runtime itself. */
const internal = /\((?:node:|ext:|native\b)|at (?:async )?(?:node:|ext:|native\b)/;
const here = new URL("../../", import.meta.url);

/**
 * The stack of the code in whose safepoint this is called, a line for each function, the innermost
 * first; none if the event loop calls it.
 */
export function currentFrames(): string[] {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = LIMIT;
  const lines = new Error().stack!.split("\n");
  Error.stackTraceLimit = before;
  // Not by Error.captureStackTrace(): Bun looks for the name of the function that it is given.
  let at = lines.findIndex((line) => /\bsafepoint \(/.test(line));
  if (at < 0) {
    // A checkpoint that the program's author wrote.
    at = lines.findIndex((line) => /\bcheckpoint \(/.test(line));
    if (at < 0) return [];
    while (/\b(?:checkpoint|look) \(/.test(lines[at + 1] ?? "")) at++;
  }
  return lines.slice(at + 1)
    .filter((line) => /^ *at /.test(line) && !internal.test(line) && !isOwn(line))
    .map((line) => line.trim());
}

/** Such as the code that Bun needs to load CommonJS. */
function isOwn(line: string): boolean {
  return line.includes(here.href) || line.includes(here.pathname);
}

/** Files below it are shown by their path from there. */
const folder = `${process.cwd()}/`;
const starts = [pathToFileURL(folder).href, folder];

/** Writes to stderr at once: the program may never give the event loop a turn. */
export function print(text: string): void {
  let short = text;
  for (const start of starts) {
    for (const before of ["(", "at ", ": "]) short = short.replaceAll(before + start, before);
  }
  try {
    writeSync(2, `${short}\n`);
  } catch {
    // It is closed, or a pipe is full.
  }
}
