import type { Library } from "./library.ts";
import { open } from "./open.ts";
import {
  type Attempt,
  type FindFile,
  fromBase64,
  fromFile,
  temporaryFolder,
  type Way,
} from "./open_embedded.ts";
import { process, runtime } from "./runtime.ts";

/**
 * The ways to open the library on macOS, best first: from the file if its bytes are those of
 * `library`; then from a new file. There is no /proc to open a file by its descriptor, so every
 * folder on the way must be one that only this user or root can change.
 *
 * @param libc the library of the system, by a path that only the system can change.
 */
export function* macosWays<T>(
  library: string,
  findFile: FindFile,
  libc = "/usr/lib/libSystem.B.dylib",
): Generator<Way<T>> {
  if (runtime === "deno") {
    yield (attempt) => fromSystemCalls(libc, library, attempt);
    return;
  }
  const file = findFile();
  if (file !== undefined) {
    yield (attempt) => {
      // Not by a link, which another user may change after this.
      const path = process().getBuiltinModule("node:fs").realpathSync(file);
      demandFolders(path);
      return fromFile(path, library, attempt, () => path);
    };
  }
  for (const folder of new Set([temporaryFolder(), "/tmp"])) {
    yield (attempt) => fromNewFolder(folder, library, attempt);
  }
}

/**
 * @param path without links.
 * @throws Error if another user could put another file in the place of this one.
 */
function demandFolders(path: string): void {
  const fs = process().getBuiltinModule("node:fs");
  const othersWrite = 0o022;
  const sticky = 0o1000;
  const folders = path.split("/").slice(0, -1);
  for (; folders.length > 0; folders.pop()) {
    const folder = folders.join("/") || "/";
    const { mode, uid } = fs.statSync(folder);
    const isOurs = uid === 0 || uid === process().geteuid();
    if (!isOurs || (mode & othersWrite) !== 0 && (mode & sticky) === 0) {
      throw new Error(`${path}: not opened, since others can change ${folder}`);
    }
  }
}

/**
 * Uses a new folder that nobody else can open. It is removed at once: a library that is loaded
 * needs no name.
 */
function fromNewFolder<T>(folder: string, library: string, attempt: Attempt<T>): T | undefined {
  const fs = process().getBuiltinModule("node:fs");
  const own = fs.realpathSync(fs.mkdtempSync(`${folder}/async-interrupt-`));
  const file = `${own}/library.node`;
  try {
    demandFolders(file);
    const fd = fs.openSync(file, "wx", 0o400);
    try {
      fs.writeFileSync(fd, library, "base64");
    } finally {
      fs.closeSync(fd);
    }
    return attempt(file, folder);
  } finally {
    fs.rmSync(own, { recursive: true });
  }
}

const libcSymbols = {
  mkdtemp: { parameters: ["u64"], result: "u64" },
  // Not open(2): its mode is a variable argument, which arm64 passes on the stack.
  creat: { parameters: ["u64", "u32"], result: "i32" },
  write: { parameters: ["i32", "u64", "u64"], result: "u64" },
  close: { parameters: ["i32"], result: "i32" },
  unlink: { parameters: ["u64"], result: "i32" },
  rmdir: { parameters: ["u64"], result: "i32" },
} as const;

/**
 * As fromNewFolder(), by calls of the system, for which Deno needs no permission except
 * --allow-ffi. The folder is in /tmp, where others cannot replace it.
 */
function fromSystemCalls<T>(libc: string, library: string, attempt: Attempt<T>): T | undefined {
  const { functions, addressOf }: Library<typeof libcSymbols> = open(libc, "", libcSymbols);
  const folder = inPlace("/tmp/async-interrupt-XXXXXX");
  const folderAddress = addressOf(folder)!;
  if (functions.mkdtemp(folderAddress) === 0n) {
    throw new Error("/tmp: this process may make no folder there");
  }
  const path = `${new TextDecoder().decode(folder.subarray(0, folder.indexOf(0)))}/library.node`;
  const name = inPlace(path);
  const address = addressOf(name)!;
  try {
    const bytes = fromBase64(library);
    const fd = functions.creat(address, 0o400);
    const written = functions.write(fd, addressOf(bytes)!, BigInt(bytes.length));
    functions.close(fd);
    if (written !== BigInt(bytes.length)) throw new Error("/tmp: no room is left there");
    return attempt(path, "/tmp");
  } finally {
    functions.unlink(address);
    functions.rmdir(folderAddress);
  }
}

/** A C string, large enough that engines do not keep it on a heap whose objects move. */
function inPlace(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4096);
  new TextEncoder().encodeInto(text, bytes);
  return bytes;
}
