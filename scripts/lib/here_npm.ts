/** Replaces ffi/here.ts in the npm package, which is CommonJS. */

import { process } from "../../ffi/runtime.ts";

declare const __filename: string | undefined;

/**
 * As in ffi/here.ts. In an ES module made by a bundler nothing tells where the file is. Then use
 * the path of the program, which usually is that file. Not by a URL: to make one takes Node 0.1 ms.
 */
export function besideFolder(path: string): string | undefined {
  const file = typeof __filename === "string" ? __filename : process().argv[1];
  if (file === undefined) return undefined;
  return process().getBuiltinModule("node:path").resolve(file, "../..", path);
}
