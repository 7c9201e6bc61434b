import { process } from "../node.ts";
import { quickHash } from "./quick_hash.ts";
import type { Store } from "./store.ts";

/**
 * Lines by their names, in one file for each program: to read a file for each module would take
 * half of all the time.
 */
export class EntryLog {
  readonly #store: Store;
  readonly #file: string;
  #entries: Map<string, string> | undefined;

  /** @param extension of the file. */
  constructor(store: Store, extension: string) {
    this.#store = store;
    this.#file = `${quickHash(process.argv[1] ?? "")}${extension}`;
  }

  get(name: string): string | undefined {
    return this.#all().get(name);
  }

  put(name: string, line: string): void {
    this.#all().set(name, line);
    // In one step, since other processes do so too. The end of the last line may be missing.
    this.#store.append(this.#file, `\n${name} ${line}`);
  }

  #all(): Map<string, string> {
    if (this.#entries !== undefined) return this.#entries;
    const lines = this.#store.read(this.#file)?.split("\n") ?? [];
    this.#entries = new Map(lines.map((line) => {
      const end = line.indexOf(" ");
      return [line.slice(0, end), line.slice(end + 1)];
    }));
    // Files that change at each start would make it longer and longer.
    if (lines.length > 2 * this.#entries.size + 100) {
      const left = [...this.#entries].map(([name, line]) => `\n${name} ${line}`);
      this.#store.write(this.#file, left.join(""));
    }
    return this.#entries;
  }
}
