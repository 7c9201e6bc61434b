import { npmInstall } from "../scripts/lib/npm_install.ts";
import { type Outcome, run } from "../scripts/lib/run.ts";
import { commandsOf } from "./runtimes.ts";

const root = new URL("..", import.meta.url);
const suite = { "test262-parser-tests": "0.0.5", acorn: "8.19.0" };

/**
 * Code with safepoints does what it does without: the long form of the random programs of
 * tests/safepoints_test.ts, and the programs of test262-parser-tests.
 */
export async function safepoints(short: boolean): Promise<Outcome & { note: string }> {
  const folder = new URL("build/safepoints_fixtures/", root);
  await Deno.mkdir(folder, { recursive: true });
  const installed = await Deno.readTextFile(new URL("package.json", folder)).catch(() => "");
  if (installed !== JSON.stringify({ dependencies: suite })) {
    await npmInstall(folder.pathname, suite);
  }
  const steps = short ? 500 : 20_000;
  const env = { ASYNC_INTERRUPT_STEPS: `${steps}`, FIXTURES: folder.href.slice("file://".length) };
  let output = "";
  for (const program of ["random", "fixtures"]) {
    for (const [name, command] of await commandsOf(`tests/programs/safepoints_${program}`)) {
      const result = await run(command, { cwd: root, env, timeout: 1200 });
      output += `${program} on ${name}: ${result.output.trim().replaceAll("\n", "; ")}\n`;
      if (!result.ok) return { ok: false, output, note: `failed on ${name}` };
    }
  }
  return { ok: true, output, note: `random programs: ${steps.toLocaleString("en")} each` };
}
