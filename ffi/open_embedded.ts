import type { Library } from "./library.ts";
import { fromSharedMemory } from "./musl.ts";
import { open } from "./open.ts";
import { granted, keepsNames } from "./permission.ts";
import { os, process, runtime } from "./runtime.ts";

/**
 * Opens the library by a path under which nobody can put another file. Returns undefined if that
 * fails.
 *
 * @param place what to call the path in a message.
 */
export type Attempt<T> = (path: string, place: string) => T | undefined;

/** Calls `attempt`, or throws. If that returns nothing, the next way is tried. */
export type Way<T> = (attempt: Attempt<T>) => T | undefined;

/** The ways of a platform, best first. The parameters are those of {@linkcode openEmbedded}. */
export type Ways = <T>(library: string, file: FindFile) => Generator<Way<T>>;

/** Returns the path of a file, if there may be one. Called only by a way that needs it. */
export type FindFile = () => string | undefined;

/**
 * Tries the ways to open the embedded library, and returns what the first success of `attempt`
 * returned.
 *
 * @param library the bytes of the library, in base64.
 * @param file where there may be a file with the same bytes.
 * @param failed called with what a way threw. If it throws itself, that ends the search.
 * @param ways by default those of Linux.
 */
export function openEmbedded<T>(
  library: string,
  file: FindFile,
  attempt: Attempt<T>,
  failed: (error: unknown) => void,
  ways: Ways = linuxWays,
): T | undefined {
  for (const way of ways<T>(library, file)) {
    try {
      const opened = way(attempt);
      if (opened !== undefined) return opened;
    } catch (error) {
      failed(error);
    }
  }
  return undefined;
}

/**
 * The ways, best first: from the file if its bytes are those of `library`, or from memory; then
 * from a temporary file that is unlinked as soon as it is open.
 */
function* linuxWays<T>(
  library: string,
  file: FindFile,
): Generator<Way<T>> {
  const best: Way<T>[] = [];
  // To compare the owner with the current user, Deno would need a further permission.
  if (runtime !== "deno") {
    best.push((attempt) => {
      const path = file();
      return path === undefined ? undefined : fromFile(path, library, attempt);
    });
  }
  // Node cannot call memfd_create(2) before an addon is loaded.
  if (runtime !== "node" && os === "linux") {
    best.push((attempt) => fromMemory(library, attempt));
  }
  // In Bun, loading node:fs and node:path takes longer than everything else. And with musl, only
  // what is opened from memory is shared with those who have another file.
  if (runtime === "bun") best.reverse();
  yield* best;
  for (const folder of new Set([temporaryFolder(), "/dev/shm", "/var/tmp"])) {
    if (granted({ name: "write", path: folder })) {
      yield (attempt) => fromFolder(folder, library, attempt);
    }
  }
}

/** Whether the libc is glibc, which finds a loaded library by its name. musl does not. */
function isGlibc(): boolean {
  try {
    open("libc.so.6", "", {
      gnu_get_libc_version: { parameters: [], result: "u64" },
    });
    return true;
  } catch {
    return false;
  }
}

/** Newer than TypeScript's types. */
export const { fromBase64 } = Uint8Array as unknown as {
  fromBase64(text: string): Uint8Array<ArrayBuffer>;
};

const libcSymbols = {
  memfd_create: { parameters: ["u64", "u32"], result: "i32" },
  write: { parameters: ["i32", "u64", "u64"], result: "u64" },
  close: { parameters: ["i32"], result: "i32" },
} as const;

/**
 * Uses memfd_create(2), which needs no file system (it may be read-only, or mounted noexec) and no
 * permission except --allow-ffi.
 */
function fromMemory<T>(
  library: string,
  attempt: Attempt<T>,
): T | undefined {
  if (!keepsNames()) {
    throw new Error(
      "memory: with --deny-ffi=<path> Deno would look for libc in the current folder",
    );
  }
  // Every glibc process has loaded this, so the name opens no file; musl takes the name for itself.
  const libc: Library<typeof libcSymbols> = open("libc.so.6", "", libcSymbols);
  const { functions: { memfd_create, write, close }, addressOf } = libc;
  const make = () => {
    const bytes = fromBase64(library);
    // Large enough that engines do not keep it on a heap whose objects move.
    const name = new Uint8Array(4096);
    new TextEncoder().encodeInto("async-interrupt", name);
    const closeOnExec = 1;
    const fd = memfd_create(addressOf(name)!, closeOnExec);
    if (fd < 0) {
      throw new Error(
        "memory: memfd_create(2) failed: is a descriptor left, and does a sandbox (seccomp) allow it?",
      );
    }
    const written = write(fd, addressOf(bytes)!, BigInt(bytes.length));
    if (written === BigInt(bytes.length)) return fd;
    close(fd);
    throw new Error("memory: write(2) to a memfd failed: is memory left?");
  };
  const use = (fd: number) => attempt(pathOf(fd), "memory");
  if (runtime === "bun" && !isGlibc()) return fromSharedMemory(library, make, use);
  const fd = make();
  try {
    return use(fd);
  } finally {
    close(fd);
  }
}

/**
 * Uses the file beside the modules. A bundler, or somebody who unpacked a program, may have left
 * another file there, so its owner, mode and bytes are checked.
 *
 * @param path under which the descriptor is opened again.
 */
export function fromFile<T>(
  file: string,
  library: string,
  attempt: Attempt<T>,
  path: (fd: number) => string = pathOf,
): T | undefined {
  const fs = process().getBuiltinModule("node:fs");
  const { O_RDONLY, O_NONBLOCK } = fs.constants;
  // Without O_NONBLOCK, opening a FIFO would wait for its writer.
  const fd = fs.openSync(file, O_RDONLY | O_NONBLOCK);
  try {
    const { mode, size, uid } = fs.fstatSync(fd);
    const typeMask = 0o170000;
    const regular = 0o100000;
    // These bits also cover a POSIX ACL: its mask is stored in the bits of the group.
    const othersWrite = 0o022;
    const refuse = (why: string) => {
      throw new Error(`${file}: not opened, since ${why}`);
    };
    if ((mode & typeMask) !== regular) refuse("it is no regular file");
    if (uid !== 0 && uid !== process().geteuid()) {
      refuse(`it belongs to another user (${uid}), who can change it`);
    }
    if ((mode & othersWrite) !== 0) {
      refuse("others can change it (chmod go-w)");
    }
    if (size > library.length || fs.readFileSync(fd, "base64") !== library) {
      refuse("it is not the library of this very build");
    }
    return attempt(path(fd), file);
  } finally {
    fs.closeSync(fd);
  }
}

/** Uses a new file that nobody else can open, and that is unlinked before the bytes are written. */
function fromFolder<T>(
  folder: string,
  library: string,
  attempt: Attempt<T>,
): T | undefined {
  const fs = process().getBuiltinModule("node:fs");
  const file = `${folder}/async-interrupt-${Math.random().toString(36).slice(2)}`;
  const fd = fs.openSync(file, "wx", 0o400);
  try {
    fs.unlinkSync(file);
    fs.writeFileSync(fd, library, "base64");
    return attempt(pathOf(fd), folder);
  } finally {
    fs.closeSync(fd);
  }
}

/** On Deno, reads the environment only if that needs no question to the user. */
export function temporaryFolder(): string {
  return granted({ name: "env" }) ? process().getBuiltinModule("node:os").tmpdir() : "/tmp";
}

/**
 * A path of the descriptor, so that what was checked is what is opened, even if the file is renamed
 * or replaced. The dynamic linker compares the path with those of the libraries that it has loaded,
 * and one of these may have been opened by a descriptor of the same number. So each call spells the
 * path differently.
 */
function pathOf(fd: number): string {
  const bits = Math.random().toString(2).slice(2);
  const spelling = bits.replaceAll("0", "/").replaceAll("1", "/.");
  return `/proc/self/fd${spelling}/${fd}`;
}
