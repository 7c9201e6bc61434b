import type process from "node:process";

/**
 * Node's `process`. Deno loads it on first use: that takes as long as the rest of most tests, and
 * a program for Deno may do without it.
 */
export function nodeProcess(): typeof process {
  return (globalThis as unknown as { process: typeof process }).process;
}
