import type { EmbeddedLibrary } from "./embedded.ts";
import { open } from "./open.ts";
import { process, runtime } from "./runtime.ts";

/** The DT_SONAME that build.zig gives: a library that is loaded already is found by it, whatever file it came from. */
const soname = "libasync_interrupt.so";

/**
 * Opens a library that has no file: `attempt` is called with one path after another until one gives something.
 *
 * Workers must share one copy, or an Interrupt of one could not be signalled from another: so the loaded one is asked first.
 */
export function materialize<T>(
  library: EmbeddedLibrary,
  attempt: (path: string) => T | undefined,
): T | undefined {
  const name = `async-interrupt-${library.sha256.slice(0, 16)}`;
  // Bun would look for a bare name in the current folder, where anybody may have put anything.
  const path = runtime === "bun" ? openMemory(name) : soname;
  const loaded = path === undefined ? undefined : attempt(path);
  if (loaded !== undefined) return loaded;
  const { Buffer } = process().getBuiltinModule("node:buffer");
  const bytes = process().getBuiltinModule("node:zlib")
    .inflateRawSync(Buffer.from(library.deflated, "base64"));
  return fromMemory(name, bytes, attempt) ?? fromFile(bytes, attempt);
}

/** The memfd that another thread has made. */
function openMemory(name: string): string | undefined {
  const fs = process().getBuiltinModule("node:fs");
  const folder = "/proc/self/fd";
  for (const fd of fs.existsSync(folder) ? fs.readdirSync(folder) : []) {
    try {
      const path = `${folder}/${fd}`;
      if (fs.readlinkSync(path).startsWith(`/memfd:${name} `)) return path;
    } catch {
      // Closed since.
    }
  }
  return undefined;
}

/** memfd_create(2): needs no file system, which may be read-only or mounted noexec, and no permission but --allow-ffi. */
function fromMemory<T>(
  name: string,
  bytes: Uint8Array,
  attempt: (path: string) => T | undefined,
): T | undefined {
  // Node has no way to call it before an addon is loaded.
  if (runtime === "node" || process().platform !== "linux") return undefined;
  try {
    const libc = open("libc.so.6", "", {
      memfd_create: { parameters: ["u64", "u32"], result: "i32" },
      write: { parameters: ["i32", "u64", "u64"], result: "u64" },
      close: { parameters: ["i32"], result: "i32" },
      malloc: { parameters: ["u64"], result: "u64" },
      free: { parameters: ["u64"], result: "void" },
    });
    const { memfd_create, write, close, malloc, free } = libc.functions;
    const address = malloc(BigInt(bytes.length));
    try {
      const memory = libc.memory(address, bytes.length);
      if (memory === undefined) return undefined;
      const view = new Uint8Array(memory);
      view.set(new TextEncoder().encode(`${name}\0`));
      const closeOnExec = 1;
      const fd = memfd_create(address, closeOnExec);
      if (fd < 0) return undefined;
      view.set(bytes);
      const written = write(fd, address, BigInt(bytes.length));
      const whole = written === BigInt(bytes.length);
      const result = whole ? attempt(`/proc/self/fd/${fd}`) : undefined;
      // In Bun other threads find the library by it.
      if (result === undefined || runtime !== "bun") close(fd);
      return result;
    } finally {
      free(address);
    }
  } catch {
    return undefined;
  }
}

/** A private folder that is gone again once the library is open. */
function fromFile<T>(
  bytes: Uint8Array,
  attempt: (path: string) => T | undefined,
): T | undefined {
  const fs = process().getBuiltinModule("node:fs");
  const os = process().getBuiltinModule("node:os");
  const path = process().getBuiltinModule("node:path");
  let failure: unknown;
  for (const parent of new Set([os.tmpdir(), "/dev/shm", "/var/tmp"])) {
    let folder: string | undefined;
    try {
      // mkdtemp makes a new folder that only this user can enter.
      folder = fs.mkdtempSync(path.join(parent, "async-interrupt-"));
      const file = path.join(folder, soname);
      fs.writeFileSync(file, bytes, { mode: 0o500, flag: "wx" });
      const result = attempt(file);
      if (result !== undefined) return result;
    } catch (error) {
      failure ??= error;
    } finally {
      if (folder !== undefined) {
        fs.rmSync(folder, { recursive: true, force: true });
      }
    }
  }
  throw failure ??
    new Error("no folder was found that libraries may be opened from");
}
