import process from "node:process";
import { instrument } from "../../safepoints/mod.ts";
import "../../safepoints/runtime.ts";

/** The source with safepoints for the engine that runs this. */
export function withSafepoints(source: string, functions: boolean): string {
  const engine = process.versions.bun ? "jsc" : "v8";
  // An expression or a whole file.
  return instrument(source, { engine, functions }).code;
}
