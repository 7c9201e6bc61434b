import { InterruptError, limitCure } from "./errors.ts";
import { embedded } from "./embedded.ts";
import { here } from "./here.ts";
import type { Library } from "./library.ts";
import { openEmbedded } from "./open_embedded.ts";
import { open } from "./open.ts";
import { askToOpen, mayOpenAll, mayOpenByName } from "./permission.ts";
import { cpu, os, process, runtime } from "./runtime.ts";
import { SONAME, symbols } from "./symbols.ts";

const prefix = "ai_";
const target = `${os}-${cpu}`;
/** What is said of a runtime that lacks what this module needs. */
const oldRuntime =
  "this runtime has no process.getBuiltinModule(): update it, Node to 20.16, 22.3 or later, Bun to 1.2 or later";

/** The native library as an opened {@linkcode Library}. */
export type Native = Library<typeof symbols>;

/** Whether load() asks the user nothing: Deno prompts for --allow-ffi. */
export function canLoadSilently(): boolean {
  return mayOpenAll() || namedFile() !== undefined;
}

/**
 * Opens the native library: the one that is loaded already, else what this module carries, byte for
 * byte.
 */
export function load(): Native {
  const library = embedded[target];
  if (library === undefined) {
    throw unsupported(
      `there is none for ${target}, only for ${Object.keys(embedded).join(", ")}`,
    );
  }
  if (runtime !== "deno" && !("getBuiltinModule" in process())) {
    throw unsupported(oldRuntime);
  }
  const failures: unknown[] = [];
  const file = namedFile();
  const native = file !== undefined
    // Deno allows nothing else, and whoever names the file vouches for it.
    ? attempted(() => open(file, prefix, symbols), failures)
    : openAny(library, failures);
  if (native !== undefined) return native;
  const causes = failures.join("\n");
  throw notFound(limitCure(causes) ?? placeCure(causes), failures);
}

function openAny(library: string, failures: unknown[]): Native | undefined {
  if (!mayOpenAll() && !askToOpen()) throw notFound(ffiCure(), []);
  const loaded = openLoaded();
  if (loaded !== undefined) return loaded;
  const attempt = (path: string, place: string) =>
    attempted(() => {
      try {
        // As little as loads it.
        open(path, prefix, { function_address: symbols.function_address });
      } catch (error) {
        const text = (error as Error).message.replaceAll(path, place);
        throw new Error(text, { cause: error });
      }
      // Once more: of several threads that load a copy at the same time all find the same. Where
      // names are no use, as in musl: this one.
      return openLoaded() ?? open(path, prefix, symbols);
    }, failures);
  return openEmbedded(library, beside(), attempt, (error) => note(error, failures));
}

/**
 * The library that this process has. Workers and copies of this module must share one, or an
 * Interrupt of one could not be signalled from another. The dynamic linker opens no file by this
 * name (build.zig).
 */
function openLoaded(): Native | undefined {
  return attempted(() => open(SONAME, prefix, symbols), []);
}

/** What `step` gives; undefined when it fails. Throws when nothing else can succeed either. */
function attempted<T>(step: () => T, failures: unknown[]): T | undefined {
  try {
    return step();
  } catch (error) {
    note(error, failures);
    return undefined;
  }
}

/** Adds `error` to `failures`; throws when nothing else can succeed either. */
function note(error: unknown, failures: unknown[]): void {
  if (error instanceof InterruptError) throw error;
  const cure = runtimeCure(`${error}`);
  if (cure !== undefined) throw notFound(cure, [error]);
  failures.push(error);
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

/** What to do if a runtime says in `text` that it opens no library at all. */
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
  if (file === undefined) return whole;
  return `${whole}, whole or as --allow-ffi=${file} (its folder is not enough: anybody may have put a file there)`;
}

/** What helps where files cannot be made, or no library be opened from where they can. */
function placeCure(causes: string): string {
  const put = `put lib/${target}.node of the package at`;
  const named = namedFile();
  if (named !== undefined) return `${put} ${named}, or allow --allow-ffi whole`;
  const folder =
    "set TMPDIR to a folder that this process may write to and that is not mounted noexec";
  if (runtime === "deno") {
    return `${folder}, and allow --allow-write and --allow-env`;
  }
  const file = beside();
  if (file === undefined) return folder;
  if (causes.includes("--allow-fs-read")) {
    return `Node's permission model needs --allow-fs-read=${file}`;
  }
  return `${put} ${file}, where only this user or root can change it, or ${folder}`;
}

/** The file beside this module, if it is the one that --allow-ffi names. */
function namedFile(): string | undefined {
  if (mayOpenAll()) return undefined;
  const file = beside();
  return file !== undefined && mayOpenByName(file) ? file : undefined;
}

/** In the repository and in the npm package `lib/` lies beside the folder of this module. */
function beside(): string | undefined {
  try {
    const url = here();
    if (!url?.startsWith("file:")) return undefined;
    return decodeURIComponent(new URL(`../lib/${target}.node`, url).pathname);
  } catch {
    return undefined;
  }
}
