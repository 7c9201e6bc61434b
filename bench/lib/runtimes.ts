/** Runs the programs of `bench/programs/` and the peers, each in its own process. */

import { bun, node } from "../../scripts/lib/toolchain.ts";
import { run } from "../../scripts/lib/run.ts";
import { transpile } from "../../scripts/lib/transpile.ts";
import { peersFolder } from "./peers.ts";
import type { Runtime, Sample } from "./question.ts";

/** The runtimes that run JavaScript. */
export const javaScriptRuntimes: readonly Runtime[] = ["deno", "bun", "node"];

/** The Node that is measured: the newest with long-term support. */
export const nodeMajor = "24";

const programs = new URL("../programs/", import.meta.url);

let tree: Promise<URL> | undefined;

/** The command line that runs `bench/programs/<program>` on `runtime`. */
export async function commandFor(
  runtime: Runtime,
  program: string,
): Promise<string[]> {
  const file = new URL(program, programs).pathname;
  switch (runtime) {
    case "deno":
      return [Deno.execPath(), "run", "-A", "--no-check", "--no-config", file];
    case "bun":
      return [await bun(), file];
    case "node": {
      tree ??= transpile();
      const js = new URL(
        `bench/programs/${program.replace(/\.ts$/, ".js")}`,
        await tree,
      );
      return [await node(nodeMajor), js.pathname];
    }
    default:
      throw new RangeError(`${runtime} does not run JavaScript`);
  }
}

/** Runs a program to its end and parses the last line of its output, the sample as JSON. */
export async function sample(
  runtime: Runtime,
  program: string,
  ...args: (string | number)[]
): Promise<Sample> {
  const command = await commandFor(runtime, program);
  return await sampleOf([...command, ...args.map(String)]);
}

/** Like {@linkcode sample}, for any command. */
export async function sampleOf(command: string[]): Promise<Sample> {
  const { ok, output } = await run(command, {
    timeout: 60,
    env: { BENCH_PEERS: peersFolder.pathname },
  });
  const last = output.trimEnd().split("\n").at(-1) ?? "";
  if (!ok || !last.startsWith("{")) {
    throw new Error(output.trim().slice(-400) || "it printed nothing");
  }
  return JSON.parse(last);
}
