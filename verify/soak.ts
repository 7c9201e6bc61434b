import { run } from "../scripts/lib/run.ts";
import { commandsOf } from "./runtimes.ts";

const root = new URL("..", import.meta.url);

/**
 * The long form of tests/stress_test.ts: everything at once for a minute on each runtime, or for
 * three seconds if `short`.
 */
export async function soak(
  short: boolean,
): Promise<{ ok: boolean; output: string; note: string }> {
  const seconds = short ? 3 : 60;
  const commands = await commandsOf("tests/programs/stress");
  let output = "";
  const failed: string[] = [];
  for (const [name, command] of commands) {
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
    : `${seconds} s on each of ${commands.size} runtimes`;
  return { ok: failed.length === 0, output, note };
}
