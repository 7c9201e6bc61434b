/**
 * Replaces ffi/embedded.ts in the npm package, which is CommonJS: the module with the libraries of
 * all platforms but one is read only on these. scripts/lib/pack_libraries.ts writes it.
 */

import { library } from "../../ffi/embedded/linux-x64.js";
import { process } from "../../ffi/runtime.ts";

/** The libraries of the others, one after the other. */
interface Others {
  /** Where each begins and ends. A platform that was not built is missing. */
  readonly places: Readonly<Record<string, [start: number, end: number]>>;
  /** All of them, compressed, in base64. */
  brotli(): string;
}

/**
 * `require`, under a name that no tool replaces: scripts/build_npm.ts writes the true one. The name
 * of the module is literal, so that bundlers find it.
 */
declare function requireEmbedded(module: "./others.js"): Others;

function other(platform: string): string {
  const { places, brotli } = requireEmbedded("./others.js");
  const place = places[platform];
  if (place === undefined) return "";
  const { Buffer } = process().getBuiltinModule("node:buffer");
  const { brotliDecompressSync } = process().getBuiltinModule("node:zlib");
  const all = brotliDecompressSync(Buffer.from(brotli(), "base64"));
  return all.subarray(...place).toString("base64");
}

/** As in ffi/embedded.ts. */
export const embedded: Readonly<Record<string, () => string>> = {
  "darwin-arm64": () => other("darwin-arm64"),
  "darwin-x64": () => other("darwin-x64"),
  "linux-arm64": () => other("linux-arm64"),
  "linux-x64": library,
  "win32-arm64": () => other("win32-arm64"),
  "win32-x64": () => other("win32-x64"),
};

/** As in ffi/embedded.ts. Each one more makes the package 16 KB larger. */
export const files: readonly string[] = ["linux-x64"];
