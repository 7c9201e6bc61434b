import { openBun } from "./bun.ts";
import { openDeno } from "./deno.ts";
import { type Attempt, type FindFile, fromBase64, type Way } from "./open_embedded.ts";
import { granted } from "./permission.ts";
import { process, runtime } from "./runtime.ts";
import { SONAME } from "./symbols.ts";

/**
 * The ways to open the library on Windows, best first: from the file if its bytes are those of
 * `library`; then from a file in the temporary folder of the user. A file that is loaded can be
 * neither changed nor deleted there, so nothing has to be opened by a descriptor.
 */
export function* windowsWays<T>(
  library: string,
  file: FindFile,
): Generator<Way<T>> {
  const path = file();
  if (path !== undefined && granted({ name: "read", path })) {
    yield (attempt) => fromFile(path, library, attempt);
  }
  yield runtime === "node"
    ? (attempt) => fromNewFile(library, attempt)
    : (attempt) => fromSharedFile(library, attempt);
}

/**
 * It lies in the folder of the package: a user who can change it can change the modules, too. But a
 * bundler, or somebody who unpacked a program, may have left another one there.
 */
function fromFile<T>(file: string, library: string, attempt: Attempt<T>): T | undefined {
  const fs = process().getBuiltinModule("node:fs");
  const fd = fs.openSync(file, "r");
  try {
    const { size } = fs.fstatSync(fd);
    if (size > library.length || fs.readFileSync(fd, "base64") !== library) {
      throw new Error(`${file}: not opened, since it is not the library of this very build`);
    }
    return attempt(file, file);
  } finally {
    fs.closeSync(fd);
  }
}

const prefix = "async-interrupt-";

function randomName(): string {
  return `${prefix}${Math.random().toString(36).slice(2)}.node`;
}

/**
 * Uses a new file, which only this user can change. Node has no other means to be sure of that. The
 * file stays: it cannot be deleted before the process has ended.
 */
function fromNewFile<T>(library: string, attempt: Attempt<T>): T | undefined {
  const fs = process().getBuiltinModule("node:fs");
  const folder = process().getBuiltinModule("node:os").tmpdir();
  removeOld(folder);
  const file = `${folder}\\${randomName()}`;
  const fd = fs.openSync(file, "wx", 0o400);
  try {
    fs.writeFileSync(fd, library, "base64");
  } finally {
    fs.closeSync(fd);
  }
  try {
    return attempt(file, folder);
  } catch (error) {
    fs.unlinkSync(file);
    throw error;
  }
}

/** Deletes what processes have left that have ended. Windows refuses it for the others. */
function removeOld(folder: string): void {
  const fs = process().getBuiltinModule("node:fs");
  // Another process may be about to load a file that it has just written.
  const hourAgo = Date.now() - 3_600_000;
  for (const name of fs.readdirSync(folder)) {
    if (!name.startsWith(prefix) || !name.endsWith(".node")) continue;
    const file = `${folder}\\${name}`;
    try {
      if (fs.statSync(file).mtimeMs < hourAgo) fs.unlinkSync(file);
    } catch {
      // It is loaded, or another's.
    }
  }
}

const kernel32Symbols = {
  GetTempPathW: { parameters: ["u32", "u64"], result: "u32" },
  CreateFileW: {
    parameters: ["u64", "u32", "u32", "u64", "u32", "u32", "u64"],
    result: "u64",
  },
  ReadFile: { parameters: ["u64", "u64", "u32", "u64", "u64"], result: "i32" },
  WriteFile: { parameters: ["u64", "u64", "u32", "u64", "u64"], result: "i32" },
  CloseHandle: { parameters: ["u64"], result: "i32" },
  MoveFileExW: { parameters: ["u64", "u64", "u32"], result: "i32" },
  DeleteFileW: { parameters: ["u64"], result: "i32" },
} as const;

/** Engines move small arrays, so none is smaller. */
const KEPT_IN_PLACE = 4096;

/**
 * Uses one file for all processes of the user, which needs no permission except --allow-ffi. Its
 * bytes are compared while nobody can change or replace it: until the handle is closed, and the
 * library is loaded then.
 */
function fromSharedFile<T>(library: string, attempt: Attempt<T>): T | undefined {
  const openAny = runtime === "deno" ? openDeno : openBun;
  // Every process has loaded this, so the name opens no file.
  const { functions, addressOf } = openAny("kernel32.dll", "", kernel32Symbols);
  const GENERIC_READ = 0x8000_0000;
  const GENERIC_WRITE = 0x4000_0000;
  const FILE_SHARE_READ = 1;
  const [CREATE_NEW, OPEN_EXISTING] = [1, 3];
  // What is opened is the name itself, and not what a link of this name points to.
  const FILE_FLAG_OPEN_REPARSE_POINT = 0x20_0000;
  const INVALID_HANDLE_VALUE = 0xffff_ffff_ffff_ffffn;
  const bytes = fromBase64(library);
  const count = new Uint32Array(KEPT_IN_PLACE);
  const countAddress = addressOf(new Uint8Array(count.buffer))!;
  const folder = temporaryPath(functions.GetTempPathW, addressOf);

  const openFile = (path: string, access: number, share: number, how: number) => {
    const name = wide(path);
    const address = addressOf(name)!;
    const handle = BigInt.asUintN(
      64,
      BigInt(
        functions.CreateFileW(address, access, share, 0n, how, FILE_FLAG_OPEN_REPARSE_POINT, 0n),
      ),
    );
    return handle === INVALID_HANDLE_VALUE ? undefined : handle;
  };
  const write = (path: string) => {
    const handle = openFile(path, GENERIC_WRITE, 0, CREATE_NEW);
    if (handle === undefined) return false;
    const done = functions.WriteFile(handle, addressOf(bytes)!, bytes.length, countAddress, 0n);
    functions.CloseHandle(handle);
    return done !== 0 && count[0] === bytes.length;
  };
  const isRight = (handle: bigint) => {
    const found = new Uint8Array(Math.max(bytes.length + 1, KEPT_IN_PLACE));
    const done = functions.ReadFile(handle, addressOf(found)!, found.length, countAddress, 0n);
    return done !== 0 && count[0] === bytes.length &&
      bytes.every((byte, index) => byte === found[index]);
  };
  /** undefined: no file, or one of other bytes. */
  const use = (path: string): [T | undefined] | undefined => {
    const handle = openFile(path, GENERIC_READ, FILE_SHARE_READ, OPEN_EXISTING);
    if (handle === undefined) return undefined;
    try {
      return isRight(handle) ? [attempt(path, folder)] : undefined;
    } finally {
      functions.CloseHandle(handle);
    }
  };

  const shared = `${folder}${prefix}${hashOf(library)}.node`;
  const found = use(shared);
  if (found !== undefined) return found[0];
  // It has the name only when it is whole: a process may die while it writes.
  const own = folder + randomName();
  const isWritten = write(own);
  const from = wide(own);
  const to = wide(shared);
  const MOVEFILE_REPLACE_EXISTING = 1;
  const isMoved = isWritten &&
    functions.MoveFileExW(addressOf(from)!, addressOf(to)!, MOVEFILE_REPLACE_EXISTING) !== 0;
  // Another process may have written it meanwhile.
  const again = use(shared);
  // What cannot be replaced stays there, and this process has a file of its own.
  const opened = again ?? (isMoved ? undefined : use(own));
  if (again !== undefined || !isWritten) functions.DeleteFileW(addressOf(from)!);
  if (opened !== undefined) return opened[0];
  throw new Error(
    isWritten
      ? `${folder}: what was written there has changed at once`
      : `${folder}: this process may not write there, or no room is left`,
  );
}

function temporaryPath(
  getTempPath: (length: number, buffer: bigint) => number,
  addressOf: (bytes: Uint8Array<ArrayBuffer>) => bigint | undefined,
): string {
  const buffer = new Uint16Array(KEPT_IN_PLACE);
  const length = getTempPath(buffer.length, addressOf(new Uint8Array(buffer.buffer))!);
  return String.fromCharCode(...buffer.subarray(0, length));
}

/** UTF-16, and a zero. */
function wide(text: string): Uint8Array<ArrayBuffer> {
  const units = new Uint16Array(Math.max(text.length + 1, KEPT_IN_PLACE));
  for (let index = 0; index < text.length; index++) units[index] = text.charCodeAt(index);
  return new Uint8Array(units.buffer);
}

/** FNV-1a. Two builds with the same one would each use a file of its own. */
function hashOf(library: string): string {
  let hash = 0x811c9dc5;
  for (const text of [SONAME, library]) {
    for (let index = 0; index < text.length; index++) {
      hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
    }
  }
  return (hash >>> 0).toString(36);
}
