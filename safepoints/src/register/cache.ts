import type { createHash } from "node:crypto";
import type { Analysis } from "../analyze.ts";
import { builtin, fs } from "../node.ts";
import type { Edit } from "../poll.ts";
import { EntryLog } from "./entry_log.ts";
import { FileState } from "./file_state.ts";
import { quickHash } from "./quick_hash.ts";
import { Store } from "./store.ts";

/** An analysis that is in the cache. */
export interface Cached extends Analysis {
  /** The name of its entry; none if there is no cache. */
  key?: string;
}

/** What is analyzed. */
export interface CacheKey {
  source: string;
  extension: string;
  functions: boolean;
  /** The path of the file that has this text, if there may be one. */
  path?: string | undefined;
}

/**
 * Analyses in files that several processes may read and write. An analysis has an entry by the
 * content of its source. To hash that takes longer than all the rest, so there is another by the
 * file: as `make` and git do, it trusts that a file has not changed if its inode, size and times
 * have not.
 */
export class Cache {
  readonly #store: Store;
  readonly #log: EntryLog;
  readonly #settled: number;

  /**
   * @param folder where; "" for no cache.
   * @param settled see {@linkcode FileState.tells}.
   */
  constructor(folder: string, settled = 3000) {
    this.#store = new Store(folder);
    this.#log = new EntryLog(this.#store, ".log");
    this.#settled = settled;
  }

  /** The analysis of a source; `make` makes it if it is not there or damaged. */
  get(what: CacheKey, make: () => Analysis): Cached {
    // Small files too: with all in the cache, a program starts without waking the parser.
    if (this.#store.isNone) return make();
    const { source, extension, functions, path } = what;
    const options = `${extension}\n${functions}`;
    const place = path === undefined ? "" : quickHash(`${options}\n${path}`);
    const state = path === undefined ? undefined : FileState.of(path);
    if (state !== undefined) {
      const known = entryIn(this.#log.get(place), source);
      if (known?.state === state.text && known.print === printOf(source, known)) return known;
    }
    const key = contentHash(`${options}\n${source}`);
    let found: Cached | undefined = entryIn(this.#store.read(key), source);
    if (found === undefined) {
      found = { ...make(), key };
      this.#store.write(key, entryOf(found));
    }
    if (state?.tells(source, this.#settled)) {
      this.#log.put(place, entryOf(found, state.text, printOf(source, found)));
    }
    return found;
  }

  /**
   * The file that keeps what depends on an analysis; `make` makes its text if there is none.
   * undefined if it cannot be kept.
   */
  file({ key }: Cached, extension: string, make: () => string): string | undefined {
    if (key === undefined) return undefined;
    const name = `${key}${extension}`;
    const file = this.#store.path(name);
    return fs.existsSync(file) || this.#store.write(name, make()) ? file : undefined;
  }
}

/** An entry by the file also has what tells whether that has changed. */
interface Entry extends Cached {
  state: string;
  print: string;
}

/**
 * `[check, kind, key, state, print, ...the distance of each edit from the one before, times 32,
 * plus its form]`
 */
export function entryOf({ kind, key, edits }: Cached, state = "", print = ""): string {
  let last = 0;
  const steps = edits.map(([at, form]) => {
    const step = (at - last) * 32 + form;
    last = at;
    return step;
  });
  const head = [kind, key!, state, print];
  return JSON.stringify([checkOf(head, steps), ...head, ...steps]);
}

/** undefined if there is none, or if it is damaged. */
function entryIn(text: string | undefined, source: string): Entry | undefined {
  if (text === undefined) return undefined;
  try {
    const [check, kind, key, state, print, ...steps] = JSON.parse(text);
    if (check !== checkOf([kind, key, state, print], steps)) return undefined;
    let at = 0;
    // Not by bits: a step may exceed 32 of them.
    const edits = steps.map((step: number): Edit => [at += Math.floor(step / 32), step % 32]);
    return at <= source.length ? { kind, edits, key, state, print } : undefined;
  } catch {
    return undefined;
  }
}

/** Against damage. */
function checkOf(head: string[], steps: number[]): string {
  let hash = steps.length;
  for (const step of steps) hash = Math.imul(hash ^ step, PRIME);
  return quickHash(`${head} ${hash}`);
}

/** The length of the source, and a hash of the text at safepoints and of samples. */
function printOf(source: string, { edits }: Analysis): string {
  const { length } = source;
  let hash = length;
  const add = (at: number) => void (hash = Math.imul(hash ^ source.charCodeAt(at), PRIME));
  const step = Math.ceil(length / 500);
  for (let at = 0; at < length; at += step) add(at);
  for (const [at] of edits) add(at);
  return `${length} ${hash}`;
}

const PRIME = 0x01000193;

/** A part of Bun that is there without loading `node:crypto`, which takes it 8 ms. */
const { Bun } = globalThis as unknown as {
  Bun?: { CryptoHasher: new (name: string) => ReturnType<typeof createHash> };
};

function contentHash(text: string): string {
  const hash = Bun ? new Bun.CryptoHasher("sha256") : builtin("node:crypto").createHash("sha256");
  return hash.update(text).digest("hex");
}
