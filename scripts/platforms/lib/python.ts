import { run } from "../../lib/run.ts";
import { python } from "../../lib/toolchain.ts";

/**
 * Runs a script of this folder with the pinned packages.
 *
 * @param input what the script gets as JSON.
 * @returns what it prints as JSON.
 * @throws Error if it fails.
 */
export async function runPython<Result>(
  script: string,
  library: string,
  input: unknown,
): Promise<Result> {
  const { command, env } = await python();
  const path = `scripts/platforms/lib/${script}`;
  const { ok, output } = await run([command, path, library, JSON.stringify(input)], { env });
  if (!ok) throw new Error(output);
  return JSON.parse(output);
}
