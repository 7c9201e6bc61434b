import type { NodeProcess } from "./node_types.ts";

/** Deno and Bun also look like Node, so they are tested first. */
export const runtime: "deno" | "bun" | "node" = "Deno" in globalThis
  ? "deno"
  : "Bun" in globalThis
  ? "bun"
  : "node";

/**
 * Node's `process`, loaded on first use: in Deno that takes longer than everything of ours
 * together.
 */
export function process(): NodeProcess {
  return (globalThis as unknown as { process: NodeProcess }).process;
}

/**
 * Whether `bun --watch` runs this program. It starts the changed program with execve(2), which
 * keeps a signal ignored that is ignored at that moment.
 */
export function isExecutedAnew(): boolean {
  return runtime === "bun" && process().execArgv.includes("--watch");
}

/** As `process.platform`. */
export const os: string = runtime !== "deno"
  ? process().platform
  : Deno.build.os === "windows"
  ? "win32"
  : Deno.build.os;

/** As `process.arch`. */
export const cpu: string = runtime !== "deno"
  ? process().arch
  : { x86_64: "x64", aarch64: "arm64" }[Deno.build.arch];
