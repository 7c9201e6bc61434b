import { build } from "../scripts/lib/build.ts";
import { prepareModules } from "../scripts/lib/modules.ts";
import { bun, node, nodeVersions } from "../scripts/lib/toolchain.ts";
import { transpile } from "../scripts/lib/transpile.ts";

/**
 * Returns the command that runs a program of the tests (`tests/programs/x`, without its extension)
 * on each runtime, by name.
 */
export async function commandsOf(
  program: string,
): Promise<Map<string, string[]>> {
  await build("testkit");
  const { flags } = await prepareModules();
  const tree = await transpile();
  const commands = new Map([
    ["Deno", [Deno.execPath(), "run", "-A", "--no-check", ...flags]],
    ["Bun", [await bun()]],
  ]);
  for (const command of commands.values()) command.push(`${program}.ts`);
  for (const major of nodeVersions) {
    const { pathname } = new URL(`${program}.js`, tree);
    commands.set(`Node ${major}`, [await node(major), pathname]);
  }
  return commands;
}
