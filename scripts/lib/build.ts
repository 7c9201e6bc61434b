import { embed } from "./embed.ts";
import { type Outcome, run } from "./run.ts";
import { nodeHeaders, zig } from "./toolchain.ts";

const root = new URL("../..", import.meta.url);

/**
 * Runs `zig build` for the library, and for further steps by name. It builds for this machine, with
 * `--all` for all platforms, and with `-Dtarget=linux-arm64` for that one.
 */
export async function build(...steps: string[]): Promise<void> {
  steps = steps.map((step) => step === "--all" ? "-Dtarget=all" : step);
  const headers = steps.includes("uv-poll") ? [`-Dnode-headers=${await nodeHeaders()}`] : [];
  const { ok, output } = await zigBuild("install", ...headers, ...steps);
  if (!ok) throw new Error(`zig build failed:\n${output}`);
  await embed();
}

/**
 * Zig compiles its own program that executes build.zig, and with this in a debug build: 7 s of
 * processor time instead of 60, once on each machine.
 */
export const zigEnv = { ZIG_DEBUG_CMD: "1" };

/** Runs `zig build`. */
export async function zigBuild(...args: string[]): Promise<Outcome> {
  const command = [await zig(), "build", "--error-style", "minimal", "--summary", "none", ...args];
  const outcome = await run(command, { cwd: root, timeout: 600, env: zigEnv });
  const output = outcome.output.replace(/^debug: configuration cache .*\n/gm, "");
  return { ...outcome, output: withoutRepetitions(output) };
}

/** Several programs are compiled from the same source, and each compilation prints its errors. */
function withoutRepetitions(output: string): string {
  const parts = output.split(/^(?=compile |\S+:\d+:\d+: error: )/m);
  const byTitle = new Map(parts.map((part) => [part.split("\n", 1)[0]!, part]));
  return [...byTitle].filter(([title]) => !/^compile .* errors$/.test(title))
    .map(([, part]) => part).join("");
}
