import type { Functions, Library, ListenTo, SignalListener, Symbols } from "./library.ts";
import { beforeExit, listenOnProcess } from "./process_signals.ts";
import { os, process, runtime } from "./runtime.ts";
import { SONAME } from "./symbols.ts";
import { checked } from "./errors.ts";

/** What zig-src/uv_wake.zig and zig-src/uv_signal.zig add to the table. */
export interface Addon {
  view(
    address: bigint,
    length: number,
    agent: bigint,
  ): ArrayBuffer | undefined;
  agent_wake_async(agent: number, callback: () => void): number;
  agent_wake_ref(agent: number, on: number): void;
  agent_signal_start(agent: number, signal: number): number;
  agent_signal_stop(agent: number, signal: number): void;
  /** Of its file. Only on Windows. */
  path?(): string;
}

/**
 * Opens the library as an N-API addon, with `process.dlopen` and not `require`: bundlers would look
 * for the file.
 */
export function openAddon(path: string): Addon {
  const { dlopen } = process();
  // Node keeps this object, and with it the realm that it comes from. So take the Object
  // constructor of the realm that Node itself runs in.
  const { constructor: Objects } = Object.getPrototypeOf(
    Object.getPrototypeOf(dlopen),
  );
  const module = new Objects();
  module.exports = new Objects();
  process().dlopen(module, path);
  return module.exports as Addon;
}

const key = Symbol.for(SONAME);

/**
 * Opens the library that the process has loaded already, once per thread for all realms: Node keeps
 * some kilobytes for ever each time that it opens one. A library that is opened by a path is not
 * shared this way: threads that load it at the same time have several copies, and then look for the
 * one to share.
 */
function openLoaded(): Addon {
  const opened = process().dlopen as { [key]?: Addon };
  if (opened[key] === undefined) {
    const addon = openAddon(SONAME);
    Reflect.defineProperty(opened, key, { value: addon });
    return addon;
  }
  return opened[key];
}

/** Opens a library with N-API. */
export function openNode<T extends Symbols>(
  path: string,
  _prefix: string,
  symbols: T,
): Library<T> {
  return libraryOf(path === SONAME ? openLoaded() : openAddon(path), path, symbols);
}

/** The library that this addon is. */
export function libraryOf<T extends Symbols>(
  addon: Addon,
  path: string,
  symbols: T,
): Library<T> {
  // As dlopen does on the other runtimes: a file of another version must not pass for this one.
  for (const name of Object.keys(symbols)) {
    if (!(name in addon)) throw new Error(`${path}: undefined symbol: ${name}`);
  }
  return {
    functions: addon as unknown as Functions<T>,
    memory: (address, length, agent = 0n) => addon.view(address, length, agent),
    addressOf: () => undefined,
    openWake(agent, callback) {
      checked(
        addon.agent_wake_async(agent, callback),
        "Cannot make the wake handle",
      );
      return {
        // The addon holds it only weakly.
        callback,
        ref: () => addon.agent_wake_ref(agent, 1),
        unref: () => addon.agent_wake_ref(agent, 0),
      };
    },
    listen: (to) => listen(addon, to),
    beforeEnd: beforeExit,
  };
}

function listen(
  addon: Addon,
  to: ListenTo,
): SignalListener | "main thread" {
  const { isMainThread } = process().getBuiltinModule("node:worker_threads");
  if (isMainThread) return listenOnProcess(to);
  // For INT: with `breakOnSigint` Node removes the main thread's listeners for a while, and expects
  // that none are left. For PIPE: a Worker that ends would leave SIG_DFL for a moment, in which a
  // write to a closed pipe kills the process.
  // On Windows: a Worker of Bun that is terminated with such a handle ends the process.
  const isDangerous = os === "win32"
    ? runtime === "bun"
    : to.name === "SIGINT" || to.name === "SIGPIPE";
  if (isDangerous) return "main thread";
  checked(
    addon.agent_signal_start(to.agent, to.signal),
    `Cannot listen to ${to.name}`,
  );
  return {
    remove(removed) {
      to.removing();
      addon.agent_signal_stop(to.agent, to.signal);
      removed();
    },
  };
}
