import type Process from "node:process";

/** Deno and Bun also pass for Node, so they are asked first. */
export const runtime: "deno" | "bun" | "node" = "Deno" in globalThis
  ? "deno"
  : "Bun" in globalThis
  ? "bun"
  : "node";

/** Node's `process`, when it is needed: in Deno an import of any `node:` module takes longer than all of ours together. */
export function process(): typeof Process {
  return (globalThis as unknown as { process: typeof Process }).process;
}
