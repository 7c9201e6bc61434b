/**
 * The first argument says what the realm is like when the modules are loaded; the URLs of the
 * modules follow. Prints whether two copies work side by side.
 */

import process from "node:process";
import { SONAME } from "../../ffi/symbols.ts";

const [what, ...urls] = process.argv.slice(2);
const global = globalThis as unknown as Record<symbol, unknown> & {
  Deno: { permissions: { querySync: unknown } };
};
const put = (value: unknown) => () => {
  global[Symbol.for(SONAME)] = value;
};
const ways: Record<string, () => (() => void) | void> = {
  frozen: () => void Object.preventExtensions(globalThis),
  null: put(null),
  text: put("something else"),
  object: put({ checkpoint: "no function" }),
  // Deno would ask for the permission, so nothing is opened when the modules are loaded.
  unasked() {
    const { permissions } = global.Deno;
    const { querySync } = permissions;
    permissions.querySync = () => ({ state: "prompt" });
    return () => permissions.querySync = querySync;
  },
};
const undo = ways[what!]!();
const first = await import(urls[0]!);
undo?.();
const second = await import(urls[1]!);
const seen: string[] = [];
using one = new first.Interrupt({ callback: () => seen.push("first") });
using two = new second.Interrupt({ callback: () => seen.push("second") });
first.Interrupt.signal(one.signalFunc());
second.Interrupt.signal(two.signalFunc());
first.checkpoint();
const byFirst = seen.splice(0).sort().join();
second.checkpoint();
console.log(`${byFirst}; ${seen.join()}`);
