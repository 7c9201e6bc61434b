import { run } from "../scripts/lib/run.ts";
import { commandsOf } from "./runtimes.ts";

const root = new URL("..", import.meta.url);

/**
 * The long form of tests/fuzz_test.ts: 100,000 random calls on each runtime, or 10,000 if `short`.
 */
export async function fuzz(
  short: boolean,
): Promise<{ ok: boolean; output: string; note: string }> {
  const steps = short ? 10_000 : 100_000;
  const counts: string[] = [];
  let output = "";
  for (const [name, command] of await commandsOf("tests/programs/fuzz")) {
    const result = await run(command, {
      cwd: root,
      env: { ASYNC_INTERRUPT_STEPS: String(steps) },
    });
    output += `${name}: ${result.output.trim().replaceAll("\n", "; ")}\n`;
    if (!result.ok) return { ok: false, output, note: `failed on ${name}` };
    const count = Number(result.output.trim().split("\n").at(-1));
    counts.push(`${count.toLocaleString("en")} on ${name}`);
  }
  return { ok: true, output, note: `random calls: ${counts.join(", ")}` };
}
