import { nodeFile } from "../../lib/tests.ts";

/**
 * The command that runs a test file as a program: see runTogether().
 *
 * @param path the runtime.
 * @param flags for Deno.
 */
export function fileCommand(
  kind: "deno" | "bun" | "node",
  path: string,
  file: string,
  flags: string[],
): string[] {
  return {
    deno: [path, "run", "-A", "--no-check", ...flags, file],
    bun: [path, file],
    node: [path, nodeFile(file)],
  }[kind];
}
