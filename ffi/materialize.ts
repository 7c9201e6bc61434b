import type { Library } from "./library.ts";
import { open } from "./open.ts";
import { os, process, runtime } from "./runtime.ts";
import { SONAME } from "./symbols.ts";

/**
 * Opens a library that has no file, only its bytes in base64: `attempt` is called with one path after another until one gives something.
 *
 * Workers must share one copy, or an Interrupt of one could not be signalled from another. So the loaded one is asked
 * for first, and once more at the end: of several that were loaded at the same time all threads find the same.
 */
export function materialize<T>(
  library: string,
  attempt: (path: string) => T | undefined,
): T | undefined {
  const attemptLoaded = () => {
    const path = loadedPath();
    return path === undefined ? undefined : attempt(path);
  };
  const loaded = attemptLoaded();
  if (loaded !== undefined) return loaded;
  const bytes = decodeBase64(library);
  const own = fromMemory(bytes, attempt) ?? fromFile(bytes, attempt);
  return own === undefined ? undefined : attemptLoaded() ?? own;
}

/** By this path the dynamic linker gives the library that is loaded already. */
function loadedPath(): string | undefined {
  // Node and Deno are asked by trying: they give the name to the dynamic linker as it is.
  if (runtime !== "bun") return SONAME;
  try {
    const { functions, memory } = libc();
    const RTLD_NOW = 2;
    const RTLD_NOLOAD = 4;
    const handle = functions.dlopen(cString(SONAME), RTLD_NOW | RTLD_NOLOAD);
    if (handle === 0n) return undefined;
    // Bun would look for a bare name in the current folder, where anybody may have put anything: the path it was opened
    // by. A handle is a struct link_map: l_addr, l_name.
    const [, path] = new BigUint64Array(memory(handle, 16)!);
    const text = new Uint8Array(memory(path, pathLength)!);
    return new TextDecoder().decode(text.slice(0, text.indexOf(0)));
  } catch {
    return undefined;
  }
}

/** PATH_MAX. What follows the path is not read. */
const pathLength = 4096;

const libcSymbols = {
  dlopen: { parameters: ["u64", "i32"], result: "u64" },
  memfd_create: { parameters: ["u64", "u32"], result: "i32" },
  write: { parameters: ["i32", "u64", "u64"], result: "u64" },
  close: { parameters: ["i32"], result: "i32" },
} as const;

let opened: Library<typeof libcSymbols> | undefined;

function libc(): Library<typeof libcSymbols> {
  return opened ??= open("libc.so.6", "", libcSymbols);
}

const strings: Uint8Array[] = [];

/** For libc: never collected, and larger than what engines keep on a heap that moves. */
function cString(text: string): bigint {
  const bytes = new Uint8Array(4096);
  new TextEncoder().encodeInto(text, bytes);
  strings.push(bytes);
  return libc().addressOf(bytes)!;
}

/** memfd_create(2): needs no file system, which may be read-only or mounted noexec, and no permission but --allow-ffi. */
function fromMemory<T>(
  bytes: Uint8Array<ArrayBuffer>,
  attempt: (path: string) => T | undefined,
): T | undefined {
  // Node has no way to call it before an addon is loaded.
  if (runtime === "node" || os !== "linux") return undefined;
  try {
    const { functions: { memfd_create, write, close }, addressOf } = libc();
    const closeOnExec = 1;
    const fd = memfd_create(cString("async-interrupt"), closeOnExec);
    if (fd < 0) return undefined;
    const written = write(fd, addressOf(bytes)!, BigInt(bytes.length));
    const whole = written === BigInt(bytes.length);
    const result = whole ? attempt(`/proc/self/fd/${fd}`) : undefined;
    close(fd);
    return result;
  } catch {
    return undefined;
  }
}

/** A private folder that is gone again once the library is open. */
function fromFile<T>(
  bytes: Uint8Array<ArrayBuffer>,
  attempt: (path: string) => T | undefined,
): T | undefined {
  const fs = process().getBuiltinModule("node:fs");
  const os = process().getBuiltinModule("node:os");
  const path = process().getBuiltinModule("node:path");
  let failure: unknown;
  const tried = <R>(step: () => R): R | undefined => {
    try {
      return step();
    } catch (error) {
      failure ??= error;
      return undefined;
    }
  };
  for (const parent of new Set([os.tmpdir(), "/dev/shm", "/var/tmp"])) {
    // mkdtemp makes a new folder that only this user can enter.
    const prefix = path.join(parent, "async-interrupt-");
    const folder = tried(() => fs.mkdtempSync(prefix));
    if (folder === undefined) continue;
    const file = path.join(folder, SONAME);
    const result = tried(() => {
      fs.writeFileSync(file, bytes, { mode: 0o500, flag: "wx" });
      return attempt(file);
    });
    // Unlike rmSync() of the folder, these need no descriptor.
    tried(() => fs.unlinkSync(file));
    tried(() => fs.rmdirSync(folder));
    if (result !== undefined) return result;
  }
  throw failure ??
    new Error("no folder was found that libraries may be opened from");
}

/** The engine's own is fifty times faster, but not in every Node yet. */
function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const { fromBase64 } = Uint8Array as unknown as {
    fromBase64?: (text: string) => Uint8Array<ArrayBuffer>;
  };
  return fromBase64?.call(Uint8Array, text) ??
    Uint8Array.from(atob(text), (byte) => byte.charCodeAt(0));
}
