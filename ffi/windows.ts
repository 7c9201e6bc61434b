import { atRealmEnd, beforeEnd, listen } from "./deno.ts";
import type { Library, Symbols } from "./library.ts";
import { type Addon, libraryOf, openAddon } from "./node.ts";
import { process, runtime } from "./runtime.ts";
import { SONAME } from "./symbols.ts";

const key = Symbol.for(SONAME);

/**
 * Opens a library with N-API, on every runtime: only there a thread can wake each of their event
 * loops. The name SONAME stands for the library that this thread has opened before. Threads that
 * open it from different files share the copy that was loaded first
 * (zig-src/platform/windows_host.zig).
 */
export function openWindows<T extends Symbols>(
  path: string,
  _prefix: string,
  symbols: T,
): Library<T> {
  const library = libraryOf(path === SONAME ? loaded() : addonOf(path), path, symbols);
  if (runtime === "node") return library;
  if (runtime === "bun") return { ...library, openWake: turnByTurn(library.openWake) };
  const functions = library.functions as unknown as Parameters<typeof listen>[0];
  return {
    ...library,
    // The agent ends with the `unload` event.
    memory: (address, length) => library.memory(address, length),
    listen: (to) => listen(functions, to),
    beforeEnd,
    atRealmEnd,
  };
}

/**
 * Bun calls a threadsafe function again and again as long as its callback has it called: timers and
 * all else of the event loop would wait for ever. So the work begins with the loop's next turn.
 */
function turnByTurn(openWake: Library<Symbols>["openWake"]): typeof openWake {
  // As it is now, since tests of users replace it.
  const { setImmediate } = globalThis;
  return (agent, callback, failed) => openWake(agent, () => setImmediate(callback), failed);
}

/** The path of the file from which the process has loaded the library. */
export function loadedPath(): string {
  return loaded().path!();
}

/** All realms of a thread find it here: see openLoaded() in node.ts. */
function loaded(): Addon {
  const addon = (process().dlopen as { [key]?: Addon })[key];
  if (addon === undefined) throw new Error("this thread has not loaded it yet");
  return addon;
}

function addonOf(path: string): Addon {
  const addon = openAddon(path);
  const { dlopen } = process();
  // The helpers of the tests are addons too.
  const isLibrary = "agent_open" in addon;
  if (isLibrary && !(key in dlopen)) Reflect.defineProperty(dlopen, key, { value: addon });
  return addon;
}
