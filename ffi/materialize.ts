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
  const loaded = attempt(soname);
  if (loaded !== undefined) return loaded;
  const { Buffer } = process().getBuiltinModule("node:buffer");
  const bytes = process().getBuiltinModule("node:zlib")
    .inflateRawSync(Buffer.from(library.deflated, "base64"));
  return fromMemory(bytes, attempt) ?? fromFile(bytes, attempt);
}

/** memfd_create(2): needs no file system, which may be read-only or mounted noexec, and no permission but --allow-ffi. */
function fromMemory<T>(
  bytes: Uint8Array,
  attempt: (path: string) => T | undefined,
): T | undefined {
  // Node has no way to call it before an addon is loaded.
  if (runtime === "node" || process().platform !== "linux") return undefined;
  try {
    const libc = open("libc.so.6", "", {
      syscall: { parameters: ["u64", "u64", "u64", "u64"], result: "u64" },
      malloc: { parameters: ["u64"], result: "u64" },
      free: { parameters: ["u64"], result: "void" },
      close: { parameters: ["i32"], result: "i32" },
    });
    const { syscall, malloc, free, close } = libc.functions;
    const numbers = ({ x64: [319n, 1n], arm64: [279n, 64n] } as const)[
      process().arch as "x64" | "arm64"
    ];
    const [memfdCreate, write] = numbers;
    const address = malloc(BigInt(bytes.length));
    try {
      // Also serves as the zero-terminated name.
      const memory = libc.memory(address, bytes.length);
      if (memory === undefined) return undefined;
      const view = new Uint8Array(memory);
      view.set(new TextEncoder().encode("async-interrupt\0"));
      const closeOnExec = 1n;
      const fd = BigInt.asIntN(
        64,
        syscall(memfdCreate, address, closeOnExec, 0n),
      );
      if (fd < 0n) return undefined;
      view.set(bytes);
      const written = syscall(write, fd, address, BigInt(bytes.length));
      const result = written === BigInt(bytes.length)
        ? attempt(`/proc/self/fd/${fd}`)
        : undefined;
      close(Number(fd));
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
