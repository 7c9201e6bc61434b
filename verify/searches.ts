import { type Outcome, run } from "../scripts/lib/run.ts";

const root = new URL("..", import.meta.url);

/**
 * Runs the tests that search at random on all runtimes, with all of their rounds: sixteen times
 * as many as in the gate. If `short`, with as many as there.
 */
export async function searches(
  short: boolean,
): Promise<Outcome & { note: string }> {
  const tests = new URL("tests/", root);
  const files = Array.from(Deno.readDirSync(tests), ({ name }) => name)
    .filter((name) => name.endsWith("_test.ts"))
    .filter((name) => /"\.\/support\/rounds\.ts"/.test(Deno.readTextFileSync(new URL(name, tests))))
    .map((name) => `tests/${name}`);
  const outcome = await run(
    [Deno.execPath(), "run", "-A", "scripts/ok.ts", ...files],
    {
      cwd: root,
      env: short ? {} : { ASYNC_INTERRUPT_ALL_ROUNDS: "1" },
      timeout: 1200,
    },
  );
  return { ...outcome, note: outcome.output.trim().split("\n").at(-1)! };
}
