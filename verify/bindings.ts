import { type Outcome, run } from "../scripts/lib/run.ts";
import { zig } from "../scripts/lib/toolchain.ts";

const root = new URL("..", import.meta.url);

/**
 * Fuzzes the functions that take values from outside (zig-src/fuzz.zig), guided by coverage, with
 * Zig's own fuzzer.
 */
export async function bindings(
  short: boolean,
): Promise<Outcome & { note: string }> {
  const command = [await zig(), "build", "test", "--fuzz"];
  command[3] += short ? "=20K" : "=1M";
  const { ok, output } = await run(command, { cwd: root, timeout: 600 });
  const [, before, after] = output.match(/^Runs: (\d+) -> (\d+)/m) ?? [];
  const runs = Number(after) - Number(before);
  const found = output.match(/^Coverage: .*-> (\d+)/m)?.[1];
  return {
    // With a limit Zig exits with 0 even if an input failed.
    ok: ok && runs > 0 && !output.includes("failure"),
    output,
    note: `${runs.toLocaleString("en")} runs, which reached ${found} code locations`,
  };
}
