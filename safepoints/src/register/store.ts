import { fs, process } from "../node.ts";

/** Raise it when the analysis of the same source changes, or how anything is written here. */
const VERSION = 11;

/** Files in a folder that several processes may read and write. */
export class Store {
  /** "" for none: then nothing is kept. */
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder && `${folder}/${VERSION}`;
  }

  get isNone(): boolean {
    return this.#folder === "";
  }

  path(name: string): string {
    return `${this.#folder}/${name}`;
  }

  /** undefined if it is not there or may not be read. */
  read(name: string, encoding: BufferEncoding = "utf8"): string | undefined {
    try {
      return fs.readFileSync(this.path(name), encoding);
    } catch {
      return undefined;
    }
  }

  /** Does nothing if it cannot be written. */
  append(name: string, content: string): void {
    try {
      fs.mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      fs.appendFileSync(this.path(name), content);
    } catch {
      // Read-only or full: next time it is made anew.
    }
  }

  /** Returns whether it could be written. */
  write(name: string, content: string): boolean {
    // Another process or Worker may write or read the same: it sees all or nothing.
    const file = this.path(name);
    const part = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`;
    try {
      fs.mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      fs.writeFileSync(part, content);
      fs.renameSync(part, file);
      return true;
    } catch {
      // Read-only or full: next time it is made anew.
      return false;
    }
  }
}
