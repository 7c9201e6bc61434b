import { Buffer, fs } from "../node.ts";

/** Deno's own takes half the time of that in `node:fs`. */
const { statSync } = (globalThis as unknown as { Deno?: Pick<typeof fs, "statSync"> }).Deno ?? fs;

/** What tells whether a file has changed, as `make` and git do. */
export class FileState {
  /** Its inode, size and times. */
  readonly text: string;
  readonly #size: number;
  readonly #changed: number;

  /** undefined if there is no such file. */
  static of(path: string): FileState | undefined {
    try {
      return new FileState(statSync(path));
    } catch {
      return undefined;
    }
  }

  private constructor({ dev, ino, size, mtime, ctime }: Stat) {
    this.text = `${dev} ${ino} ${size} ${Number(mtime)} ${Number(ctime)}`;
    this.#size = size;
    this.#changed = Math.max(Number(mtime), Number(ctime));
  }

  /**
   * Whether the file must have this text as long as it has this state.
   *
   * @param settled how many milliseconds after a file was written it cannot have the same times
   * with another text: the clocks of file systems have steps of up to two seconds.
   */
  tells(text: string, settled: number): boolean {
    return this.#changed < Date.now() - settled && this.#size === Buffer.byteLength(text);
  }
}

type Stat = import("node:fs").Stats;
