import { type Outcome, run } from "../scripts/lib/run.ts";

const root = new URL("..", import.meta.url);

/** tests/storm_test.ts on each runtime, with storms of ten seconds, or of one second if `short`. */
export async function storm(
  short: boolean,
): Promise<Outcome & { note: string }> {
  const outcome = await run(
    [Deno.execPath(), "run", "-A", "scripts/ok.ts", "tests/storm_test.ts"],
    { cwd: root, env: { ASYNC_INTERRUPT_LONG: short ? "0" : "1" } },
  );
  return { ...outcome, note: outcome.output.trim().split("\n").at(-1)! };
}
