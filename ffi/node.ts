import type { Functions, Library, Symbols } from "./library.ts";
import { process } from "./runtime.ts";
import { checked } from "../errors.ts";

/** What zig-src/uv_wake.zig adds to the table. */
interface Addon {
  view(address: bigint, length: number): ArrayBuffer | undefined;
  agent_wake_async(agent: number, callback: () => void): number;
  agent_wake_ref(agent: number, on: number): void;
}

/** The library as an N-API addon. `process.dlopen` and no `require`: bundlers would look for the file. */
export function openAddon(path: string): Addon {
  const module = { exports: {} };
  process().dlopen(module, path);
  return module.exports as Addon;
}

/** N-API. */
export function openNode<T extends Symbols>(
  path: string,
  _prefix: string,
  symbols: T,
): Library<T> {
  const addon = openAddon(path);
  // As dlopen does for the others: a file of another version must not pass for this one.
  for (const name of Object.keys(symbols)) {
    if (!(name in addon)) throw new Error(`${path}: undefined symbol: ${name}`);
  }
  return {
    functions: addon as unknown as Functions<T>,
    memory: addon.view,
    addressOf: () => undefined,
    openWake(agent, callback) {
      checked(
        addon.agent_wake_async(agent, callback),
        "Cannot make the wake handle",
      );
      return {
        ref: () => addon.agent_wake_ref(agent, 1),
        unref: () => addon.agent_wake_ref(agent, 0),
      };
    },
  };
}
