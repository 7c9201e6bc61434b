import { Buffer, fs } from "../node.ts";

/** What tells whether a file has changed, as `make` and git do. */
export class FileState {
  /** Its inode, size and times. */
  readonly text: string;
  readonly #size: number;
  readonly #changed: number;

  /** undefined if there is no such file. */
  static of(path: string): FileState | undefined {
    const stat = fs.statSync(path, { bigint: true, throwIfNoEntry: false });
    return stat && new FileState(stat);
  }

  private constructor({ dev, ino, size, mtimeNs, ctimeNs, mtimeMs, ctimeMs }: Stat) {
    this.text = [dev, ino, size, mtimeNs, ctimeNs].join();
    this.#size = Number(size);
    this.#changed = Math.max(Number(mtimeMs), Number(ctimeMs));
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

type Stat = import("node:fs").BigIntStats;
