import { InterruptError, limitCure } from "./errors.ts";
import { embedded, files } from "./embedded.ts";
import { besideFolder } from "./here.ts";
import type { Library } from "./library.ts";
import { openEmbedded, temporaryFolder, type Ways } from "./open_embedded.ts";
import { macosWays } from "./open_macos.ts";
import { windowsWays } from "./open_windows.ts";
import { open } from "./open.ts";
import { askToOpen, mayOpenAll, mayOpenByName } from "./permission.ts";
import { cpu, os, process, runtime } from "./runtime.ts";
import { SONAME, symbols } from "./symbols.ts";
import { loadedPath } from "./windows.ts";

const prefix = "ai_";
const target = `${os}-${cpu}`;
const ways = ({ win32: windowsWays, darwin: macosWays } as Record<string, Ways>)[os];
/** Whether the package has the library in a file, besides. */
const hasFile = files.includes(target);
/** The message for a runtime that lacks what this module needs. */
const oldRuntime =
  "this runtime has no process.getBuiltinModule(): update it, Node to 20.16, 22.3 or later, Bun to 1.3.14 or later";

/** The native library as an opened {@linkcode Library}. */
export type Native = Library<typeof symbols>;

/** Whether load() asks the user nothing. Deno prompts for --allow-ffi. */
export function canLoadSilently(): boolean {
  return mayOpenAll() || namedFile() !== undefined;
}

/**
 * Opens the native library: the one that this process has loaded already, else the one that this
 * module carries, byte for byte.
 */
export function load(): Native {
  const library = embedded[target];
  // Not which of them are built: that takes what an old runtime lacks.
  if (library === undefined) throw unsupportedTarget(Object.keys(embedded));
  if (runtime !== "deno" && !("getBuiltinModule" in process())) {
    throw unsupported(oldRuntime);
  }
  const failures: unknown[] = [];
  const file = namedFile();
  const native = file !== undefined
    // Deno allows nothing else, and the user vouches for the file by naming it.
    ? attempted(() => open(file, prefix, symbols), failures)
    : openAny(library, failures);
  if (native !== undefined) return native;
  const causes = failures.join("\n");
  throw notFound(limitCure(causes) ?? placeCure(causes), failures);
}

function openAny(library: () => string, failures: unknown[]): Native | undefined {
  if (!mayOpenAll() && !askToOpen()) throw notFound(ffiCure(), []);
  const loaded = openLoaded();
  if (loaded !== undefined) return loaded;
  const bytes = library();
  if (bytes === "") {
    throw unsupportedTarget(Object.keys(embedded).filter((name) => embedded[name]!() !== ""));
  }
  const attempt = (path: string, place: string) =>
    attempted(() => {
      try {
        // One function is enough to load it.
        open(path, prefix, { function_address: symbols.function_address });
      } catch (error) {
        const text = (error as Error).message.replaceAll(path, place);
        throw new Error(text, { cause: error });
      }
      // Look again: when several threads each load a copy at the same time, they must all use the
      // same one. Where the name finds nothing, as in musl, use this copy.
      return openLoaded() ?? open(path, prefix, symbols);
    }, failures);
  return openEmbedded(bytes, fileToCompare, attempt, (error) => note(error, failures), ways);
}

/**
 * Opens the library that this process has loaded already. Workers and all copies of this module
 * must share one: otherwise an Interrupt of one library could not be signalled from another. The
 * name is its SONAME, under which the dynamic linker finds no file (build.zig).
 */
function openLoaded(): Native | undefined {
  return attempted(() => open(SONAME, prefix, symbols), []);
}

/**
 * Lets foreign code load the library that this process has loaded already.
 *
 * @param attempt loads it by a path under which nobody can put another file. Returns whether it was
 * the same library: another copy has a state of its own.
 * @returns what `attempt` returns.
 * @throws what `attempt` throws.
 */
export function loadAgain(attempt: (path: string) => boolean): boolean {
  if (openLoaded() !== undefined) return attempt(os === "win32" ? loadedPath() : SONAME);
  // The name finds nothing in musl, which knows the library by its inode.
  const rethrow = (error: unknown) => {
    throw error;
  };
  const once = (path: string) => attempt(path) || undefined;
  return openEmbedded(embedded[target]!(), fileToCompare, once, rethrow, ways) ?? false;
}

/**
 * Returns what `step` returns; undefined if it fails. Throws if nothing else can succeed either.
 */
function attempted<T>(step: () => T, failures: unknown[]): T | undefined {
  try {
    return step();
  } catch (error) {
    note(error, failures);
    return undefined;
  }
}

/** Adds `error` to `failures`. Throws if nothing else can succeed either. */
function note(error: unknown, failures: unknown[]): void {
  if (error instanceof InterruptError) throw error;
  const cure = runtimeCure(`${error}`);
  if (cure !== undefined) throw notFound(cure, [error]);
  failures.push(error);
}

function unsupportedTarget(others: string[]): InterruptError {
  return unsupported(`there is none for ${target}, only for ${others.join(", ")}`);
}

function unsupported(why: string): InterruptError {
  return new InterruptError(
    "UNSUPPORTED",
    `Cannot load the native library: ${why}`,
  );
}

function notFound(cure: string, causes: unknown[]): InterruptError {
  const text = [
    `Cannot open the native library for ${target}: ${cure}`,
    ...causes,
  ];
  return new InterruptError("LIBRARY_NOT_FOUND", text.join("\n"), {
    cause: causes,
  });
}

/** What to do, if `text` says in the words of a runtime that it opens no library at all. */
function runtimeCure(text: string): string | undefined {
  if (text.includes("loading addons is disabled")) {
    return "Node's permission model needs --allow-addons, and --no-addons must not be given";
  }
  if (text.includes("requires the JIT")) {
    return "Bun needs its JIT: BUN_JSC_useJIT=0 must not be set";
  }
  return undefined;
}

function ffiCure(): string {
  const file = beside();
  const whole = "Deno needs --allow-ffi";
  if (file === undefined || !hasFile) return whole;
  return `${whole}, whole or as --allow-ffi=${file} (its folder is not enough: anybody may have put a file there)`;
}

/** What helps where no file can be made, or no library opened from the places where one can. */
function placeCure(causes: string): string {
  const put = (file: string) => hasFile ? `put lib/${target}.node of the package at ${file}` : "";
  const named = namedFile();
  if (named !== undefined) return either(put(named), "allow --allow-ffi whole");
  if (runtime === "deno" && os === "darwin") return "this process must be able to write to /tmp";
  const folder = os === "win32"
    ? "set TEMP to a folder that this process may write to"
    : "set TMPDIR to a folder that this process may write to and that is not mounted noexec";
  if (runtime === "deno" && os !== "win32") {
    return `${folder}, and allow --allow-write and --allow-env`;
  }
  const file = beside();
  if (hasFile && causes.includes("--allow-fs-read")) {
    return `Node's permission model needs --allow-fs-read=${file}`;
  }
  if (causes.includes("--allow-fs-write")) {
    return `Node's permission model needs --allow-fs-write=${temporaryFolder()}`;
  }
  if (file === undefined) return folder;
  const safe = os === "win32" ? "" : ", where only this user or root can change it";
  return either(put(file) && put(file) + safe, folder);
}

function either(first: string, second: string): string {
  return first === "" ? second : `${first}, or ${second}`;
}

/** The file beside this module, if --allow-ffi names it. */
function namedFile(): string | undefined {
  if (mayOpenAll()) return undefined;
  const file = beside();
  return file !== undefined && mayOpenByName(file) ? file : undefined;
}

/**
 * Where the bytes that this module carries may lie in a file. Where the package has none, another
 * user may have put one: a bundle in C:\program looks in C:\lib, which every user may make.
 */
function fileToCompare(): string | undefined {
  return hasFile ? beside() : undefined;
}

/**
 * Path of the library in `lib/`, which lies beside the folder of this module in the repository and
 * in the npm package. undefined if this module is not a file.
 */
function beside(): string | undefined {
  try {
    return besideFolder(`lib/${target}.node`);
  } catch {
    return undefined;
  }
}
