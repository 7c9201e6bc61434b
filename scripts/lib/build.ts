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

/** Runs `zig build`. */
export async function zigBuild(...args: string[]): Promise<Outcome> {
  const command = [await zig(), "build", "--error-style", "minimal", "--summary", "none", ...args];
  const outcome = await run(command, { cwd: root, timeout: 600 });
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
