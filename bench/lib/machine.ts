import { availableParallelism, cpus, release, type } from "node:os";
import { run } from "../../scripts/lib/run.ts";
import { bun, node } from "../../scripts/lib/toolchain.ts";
import { nodeMajor } from "./runtimes.ts";

/** One line about the machine and versions: the figures are only valid there. */
export async function machine(): Promise<string> {
  const version = async (path: string) =>
    (await run([path, "--version"])).output.trim().replace(/^v/, "");
  return [
    `${availableParallelism()} cores, ${cpus()[0]!.model.trim()}`,
    `${type()} ${release()}, load ${Deno.loadavg()[0]!.toFixed(1)}`,
    `Deno ${Deno.version.deno}`,
    `Bun ${await version(await bun())}`,
    `Node ${await version(await node(nodeMajor))}`,
    new Date().toISOString().slice(0, 10),
  ].join("; ");
}
