/** Stands in for ffi/here.ts in the npm package, which is CommonJS. */

import { process } from "../../ffi/runtime.ts";

declare const __filename: string | undefined;

/**
 * The URL of this module. In an ES module that a bundler made of it nothing tells where that lies,
 * and the program has to do: it is that module, mostly.
 */
export function here(): string | undefined {
  const file = typeof __filename === "string" ? __filename : process().argv[1];
  if (file === undefined) return undefined;
  return process().getBuiltinModule("node:url").pathToFileURL(file).href;
}
