import type { Analysis } from "../analyze.ts";
import { Buffer } from "../node.ts";
import { EntryLog } from "./entry_log.ts";
import { FileState } from "./file_state.ts";
import { quickHash } from "./quick_hash.ts";
import { Store } from "./store.ts";

/** What a runtime was given for a file. */
export interface KeptText {
  kind: Analysis["kind"];
  text: string;
}

/** Shorter texts are made as soon as they are read. */
const SHORTEST = 2 ** 16;

/**
 * Whole texts of large files, so that these are neither read, nor changed, nor transpiled at the
 * next start. As `make` and git do, it trusts that a file has not changed if its inode, size and
 * times have not; also that of the text.
 */
export class KeptTexts {
  readonly #store: Store;
  readonly #log: EntryLog;
  readonly #options: string;
  readonly #settled: number;

  /**
   * @param folder where; "" for nowhere.
   * @param options what a text depends on, besides the file.
   * @param settled see {@linkcode FileState.tells}.
   */
  constructor(folder: string, options: string, settled = 3000) {
    this.#store = new Store(folder);
    this.#log = new EntryLog(this.#store, ".kept");
    this.#options = options;
    this.#settled = settled;
  }

  /** What was put for this file, if it has not changed since. */
  get(path: string): KeptText | undefined {
    if (this.#store.isNone) return undefined;
    const line = this.#log.get(this.#placeOf(path));
    if (line === undefined) return undefined;
    try {
      const [check, ...entry] = JSON.parse(line);
      if (check !== quickHash(`${entry}`)) return undefined;
      const [kind, state, name, textState, encoding] = entry;
      if (FileState.of(path)?.text !== state) return undefined;
      if (FileState.of(this.#store.path(name))?.text !== textState) return undefined;
      const text = this.#store.read(name, encoding);
      return text === undefined ? undefined : { kind, text };
    } catch {
      // It is damaged.
      return undefined;
    }
  }

  /**
   * Keeps the text for a file.
   *
   * @param key a hash of the source and of how it was analyzed.
   */
  put(path: string, source: string, key: string | undefined, { kind, text }: KeptText): void {
    if (key === undefined || text.length < SHORTEST) return;
    const state = FileState.of(path);
    if (!state?.tells(source, this.#settled)) return;
    const name = `${key}.${quickHash(this.#options)}.text`;
    // Files with the same text share it.
    if (this.#store.read(name) !== text && !this.#store.write(name, text)) return;
    const textState = FileState.of(this.#store.path(name))?.text;
    const isAscii = Buffer.byteLength(text) === text.length;
    // To read Latin-1 takes half the time.
    const encoding = isAscii ? "latin1" : "utf8";
    const entry = [kind, state.text, name, textState, encoding];
    this.#log.put(this.#placeOf(path), JSON.stringify([quickHash(`${entry}`), ...entry]));
  }

  #placeOf(path: string): string {
    return quickHash(`${this.#options}\n${path}`);
  }
}
