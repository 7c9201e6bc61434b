import { type Outcome, run } from "../scripts/lib/run.ts";

const root = new URL("..", import.meta.url);

/** Runs all tests on the oldest supported versions, or those of the gate if `short`. */
export async function oldest(
  short: boolean,
): Promise<Outcome & { note: string }> {
  const files = short ? [] : Array.from(
    Deno.readDirSync(new URL("tests/", root)),
    ({ name }) => `tests/${name}`,
  ).filter((file) => file.endsWith("_test.ts"));
  const outcome = await run(
    [Deno.execPath(), "run", "-A", "scripts/ok.ts", "--only=oldest", ...files],
    { cwd: root, timeout: 1200 },
  );
  return { ...outcome, note: outcome.output.trim().split("\n").at(-1)! };
}
