/** The long form of tests/stress.test.ts: a minute of everything at once on each runtime. */

import { build } from "../scripts/build.ts";
import { prepareModules } from "../scripts/modules.ts";
import { run } from "../scripts/run.ts";
import { bun, node, nodeVersions } from "../scripts/toolchain.ts";
import { transpile } from "../scripts/transpile.ts";

const root = new URL("..", import.meta.url);
const program = "tests/programs/stress";

/** Gives a line of figures for each runtime. `short`: three seconds each instead of sixty. */
export async function soak(
  short: boolean,
): Promise<{ ok: boolean; output: string; note: string }> {
  const seconds = short ? 3 : 60;
  const { flags } = await prepareModules();
  await build("testkit");
  const tree = await transpile();
  const commands: Record<string, string[]> = {
    deno: [
      Deno.execPath(),
      "run",
      "-A",
      "--no-check",
      ...flags,
      `${program}.ts`,
    ],
    bun: [await bun(), `${program}.ts`],
  };
  for (const major of nodeVersions) {
    const file = new URL(`${program}.js`, tree);
    commands[`node${major}`] = [await node(major), file.pathname];
  }

  let output = "";
  const failed: string[] = [];
  for (const [name, command] of Object.entries(commands)) {
    const result = await run(command, {
      cwd: root,
      env: { ASYNC_INTERRUPT_STRESS_SECONDS: String(seconds) },
      timeout: 3 * seconds + 60,
    });
    if (!result.ok) failed.push(name);
    output += `${name}: ${result.output.trim().replaceAll("\n", "; ")}\n`;
  }
  const note = failed.length > 0
    ? `failed on ${failed.join(", ")}`
    : `${seconds} s on each of ${Object.keys(commands).length} runtimes`;
  return { ok: failed.length === 0, output, note };
}

if (import.meta.main) {
  const { ok, output, note } = await soak(Deno.args.includes("--short"));
  console.log(`${output}${note}`);
  Deno.exit(ok ? 0 : 1);
}
