import { fileURLToPath } from "node:url";
import { prepareModules } from "../../lib/modules.ts";
import { run } from "../../lib/run.ts";

const root = new URL("../../../", import.meta.url);
let building: Promise<string> | undefined;

/** The npm package of `safepoints/`, once {@linkcode packageFolder} was called. */
export const safepointsFolder = fileURLToPath(new URL("build/npm_safepoints", root));

/**
 * Builds the libraries of all platforms and both npm packages, once. Returns the folder of the
 * core.
 */
export function packageFolder(): Promise<string> {
  return building ??= build();
}

async function build(): Promise<string> {
  const { flags } = await prepareModules();
  for (const script of [["build.ts", "--all"], ["build_npm.ts"], ["build_safepoints_npm.ts"]]) {
    const [name, ...args] = script;
    const command = [Deno.execPath(), "run", "-A", "--no-check", ...flags];
    const { ok, output } = await run([...command, `scripts/${name}`, ...args], {
      cwd: root,
      timeout: 600,
    });
    if (!ok) throw new Error(output);
  }
  return fileURLToPath(new URL("npm", root));
}
