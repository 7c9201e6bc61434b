import { bun, node, nodeVersions } from "../../lib/toolchain.ts";

/** The command of each runtime, with the smallest permissions. */
export const runtimes: Readonly<Record<string, string[]>> = {
  Deno: [Deno.execPath(), "run", "--no-prompt", "--allow-ffi"],
  Bun: [await bun()],
  ...Object.fromEntries(
    await Promise.all(
      nodeVersions.map(async (major) => [`Node ${major}`, [await node(major)]] as const),
    ),
  ),
};
