import type { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import type { Analysis } from "../analyze.ts";
import type { Edit } from "../poll.ts";

/** Raise it when the analysis of the same source changes, or how an entry is written. */
const VERSION = 3;

/** Analyses by the content of the source, in files that several processes may read and write. */
export class Cache {
  /** "" for none. */
  readonly #folder: string;

  /** @param folder where; "" for no cache. */
  constructor(folder: string) {
    this.#folder = folder && join(folder, `${VERSION}`);
  }

  /** The analysis of a source; `make` makes it if it is not there or damaged. */
  get(source: string, extension: string, functions: boolean, make: () => Analysis): Analysis {
    // Small files too: with all in the cache, a program starts without waking the parser.
    if (this.#folder === "") return make();
    const file = this.#file(source, `${extension}\n${functions}`);
    const found = read(file, source.length);
    if (found !== undefined) return found;
    const made = make();
    write(file, contentOf(made));
    return made;
  }

  /**
   * The file that has the source map of a source with what was `inserted`; `make` makes the map if
   * there is none. undefined if it cannot be kept.
   */
  map(source: string, inserted: string, make: () => string): string | undefined {
    if (this.#folder === "") return undefined;
    const file = `${this.#file(source, inserted)}.map`;
    return existsSync(file) || write(file, make()) ? file : undefined;
  }

  #file(source: string, options: string): string {
    return join(this.#folder, digest(`${options}\n${source}`));
  }
}

/** Where the cache is if nobody says otherwise. */
export function defaultFolder(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  const parent = process.platform === "win32" ? LOCALAPPDATA : XDG_CACHE_HOME;
  return join(parent || join(homedir(), ".cache"), "async-interrupt-safepoints");
}

/** A part of Bun that is there without loading `node:crypto`, which takes it 8 ms. */
const { Bun } = globalThis as unknown as {
  Bun?: { CryptoHasher: new (name: string) => ReturnType<typeof createHash> };
};

function digest(text: string): string {
  const hash = Bun
    ? new Bun.CryptoHasher("sha256")
    : process.getBuiltinModule("node:crypto").createHash("sha256");
  return hash.update(text).digest("hex");
}

/** `[kind, ...the distance of each edit from the one before, times 16, plus its form]` */
function read(file: string, length: number): Analysis | undefined {
  try {
    const text = readFileSync(file, "utf8");
    const line = text.indexOf("\n");
    const content = text.slice(line + 1);
    if (line < 0 || text.slice(0, line) !== digest(content)) return undefined;
    const [kind, ...steps] = JSON.parse(content);
    let at = 0;
    const edits = steps.map((step: number): Edit => [at += step >> 4, step & 15]);
    return at <= length ? { kind, edits } : undefined;
  } catch {
    // It is not there, or may not be read.
    return undefined;
  }
}

function contentOf({ kind, edits }: Analysis): string {
  let last = 0;
  const steps = edits.map(([at, form]) => {
    const step = (at - last) * 16 + form;
    last = at;
    return step;
  });
  const content = JSON.stringify([kind, ...steps]);
  return `${digest(content)}\n${content}`;
}

/** Returns whether it could be written. */
function write(file: string, content: string): boolean {
  // Another process or Worker may write or read the same: it sees all or nothing.
  const part = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(part, content);
    renameSync(part, file);
    return true;
  } catch {
    // Read-only or full: next time it is made anew.
    return false;
  }
}
