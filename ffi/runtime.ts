import type { NodeProcess } from "./node_types.ts";

/** Deno and Bun also pass for Node, so they are asked first. */
export const runtime: "deno" | "bun" | "node" = "Deno" in globalThis
  ? "deno"
  : "Bun" in globalThis
  ? "bun"
  : "node";

/** Node's `process`, when it is needed: in Deno it takes longer than all of ours together. */
export function process(): NodeProcess {
  return (globalThis as unknown as { process: NodeProcess }).process;
}

/**
 * `bun --watch` starts a changed program with execve(2), which leaves ignored what is ignored just
 * then.
 */
export function isExecutedAnew(): boolean {
  return runtime === "bun" && process().execArgv.includes("--watch");
}

/** As in `process.platform`. */
export const os: string = runtime !== "deno"
  ? process().platform
  : Deno.build.os === "windows"
  ? "win32"
  : Deno.build.os;

/** As in `process.arch`. */
export const cpu: string = runtime !== "deno"
  ? process().arch
  : { x86_64: "x64", aarch64: "arm64" }[Deno.build.arch];
