import { open } from "./open.ts";
import { process } from "./runtime.ts";

const symbols = { flock: { parameters: ["i32", "i32"], result: "i32" } } as const;
const LOCK_EX = 2;
const LOCK_NB = 4;
const LOCK_UN = 8;
/** Milliseconds. A Worker that is terminated while it has the lock keeps it. */
const PATIENCE = 1000;

/** The descriptors of this process; each of them is a link to its file. */
const descriptors = "/proc/self/fd";

/**
 * Opens the library from memory that all threads of this process share. musl finds a loaded library
 * by its inode alone, and not by its name. So the first thread leaves the descriptor of the memory
 * open, for as long as the process lives, and the others find it.
 *
 * @param library the bytes of the library, in base64.
 * @param make makes memory with these bytes, and returns its descriptor.
 * @param use returns undefined if the library cannot be opened from a descriptor.
 * @throws what `make` and `use` throw.
 */
export function fromSharedMemory<T>(
  library: string,
  make: () => number,
  use: (fd: number) => T | undefined,
): T | undefined {
  const fs = process().getBuiltinModule("node:fs");
  const { flock } = open("libc.so.6", "", symbols).functions;
  // A lock for the threads of this process: no other process has a file that is this one.
  const lock = fs.openSync(descriptors, fs.constants.O_RDONLY);
  try {
    // What cannot even be unlocked cannot be locked: a sandbox forbids it.
    if (flock(lock, LOCK_UN) === 0) {
      const sleeper = new Int32Array(new SharedArrayBuffer(4));
      for (let tries = 0; flock(lock, LOCK_EX | LOCK_NB) < 0 && tries < PATIENCE; tries++) {
        Atomics.wait(sleeper, 0, 0, 1);
      }
    }
    const found = find(library);
    if (found !== undefined) return use(found);
    const fd = make();
    let opened: T | undefined;
    try {
      return opened = use(fd);
    } finally {
      if (opened === undefined) fs.closeSync(fd);
    }
  } finally {
    // This also unlocks it.
    fs.closeSync(lock);
  }
}

/** The descriptor of memory that has these bytes. */
function find(library: string): number | undefined {
  const fs = process().getBuiltinModule("node:fs");
  const found = fs.readdirSync(descriptors).find((fd) => {
    const path = `${descriptors}/${fd}`;
    try {
      return fs.readlinkSync(path).startsWith("/memfd:async-interrupt") &&
        fs.readFileSync(path, "base64") === library;
    } catch {
      // It was closed meanwhile.
      return false;
    }
  });
  return found === undefined ? undefined : Number(found);
}
