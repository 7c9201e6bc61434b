import { InterruptError, limitCure } from "../errors.ts";
import { embedded } from "./embedded.ts";
import type { Library } from "./library.ts";
import { materialize } from "./materialize.ts";
import { open } from "./open.ts";
import { cpu, os, runtime } from "./runtime.ts";
import { symbols } from "./symbols.ts";

const prefix = "ai_";

/** The native library as an opened {@linkcode Library}. */
export type Native = Library<typeof symbols>;

/** Whether load() asks the user nothing: Deno prompts for --allow-ffi. */
export function canLoadSilently(): boolean {
  return runtime !== "deno" ||
    Deno.permissions.querySync({ name: "ffi" }).state === "granted";
}

/** Opens the native library: the file beside this module, else the copy inside it. */
export function load(): Native {
  const target = `${os}-${cpu}`;
  const library = embedded[target];
  if (library === undefined) {
    throw new InterruptError(
      "UNSUPPORTED",
      `Cannot load the native library: there is none for ${target}, only for ${
        Object.keys(embedded).join(", ")
      }`,
    );
  }
  const failures: unknown[] = [];
  const attempt = (path: string): Native | undefined => {
    try {
      return open(path, prefix, symbols);
    } catch (error) {
      failures.push(error);
      return undefined;
    }
  };
  const path = beside(target);
  try {
    const native = path !== undefined && attempt(path) ||
      materialize(library, attempt);
    if (native !== undefined) return native;
  } catch (error) {
    failures.push(error);
  }
  const causes = failures.join("\n");
  const cure = permissionCure(causes) ?? limitCure(causes);
  const hint = cure === undefined ? "" : `: ${cure}`;
  throw new InterruptError(
    "LIBRARY_NOT_FOUND",
    `Cannot open the native library for ${target}${hint}:\n${causes}`,
    { cause: failures },
  );
}

/** What to allow, if a runtime says in `text` that it refuses. */
function permissionCure(text: string): string | undefined {
  if (text.includes("Requires ffi access")) return "Deno needs --allow-ffi";
  if (text.includes("loading addons is disabled")) {
    return "Node's permission model needs --allow-addons, and --no-addons must not be given";
  }
  return undefined;
}

/** In the repository and in the npm package `lib/` lies beside the folder of this module. */
function beside(target: string): string | undefined {
  let here: string | undefined;
  try {
    // In CommonJS it is a call that the npm build puts here, and not every place that runs it has what that reads.
    here = import.meta.url;
    if (!here?.startsWith("file:")) return undefined;
    return decodeURIComponent(new URL(`../lib/${target}.node`, here).pathname);
  } catch {
    return undefined;
  }
}
