import { type Outcome, run } from "../scripts/lib/run.ts";
import { staleReferences } from "./model.ts";

const root = new URL("..", import.meta.url);
const folder = "build/loom";

/**
 * Checks the protocol under the memory model of C11 with Loom, in all executions with few
 * preemptions. Unless `short`, also checks that each mutant is caught.
 */
export async function loom(short: boolean): Promise<Outcome & { note: string }> {
  const manifest = "verify/loom/Cargo.toml";
  const built = await run(
    [
      "cargo",
      "build",
      "--quiet",
      "--release",
      `--manifest-path=${manifest}`,
      `--target-dir=${folder}`,
    ],
    { cwd: root, timeout: 600 },
  );
  if (!built.ok) return { ...built, note: "cargo build" };
  const protocol = (...args: string[]) =>
    run([`${folder}/release/protocol`, ...args], { cwd: root });

  const { output: list } = await protocol();
  const scenarios = Array.from(list.matchAll(/^scenario (\w+)$/gm), ([, name]) => name!);
  const mutants = Array.from(list.matchAll(/^mutant (\w+) (\w+)$/gm), ([, ...found]) => found);
  const source = "verify/loom/src/main.rs";
  const lines = staleReferences(source, await Deno.readTextFile(new URL(source, root)));

  const bound = short ? "2" : "3";
  let holding = 0;
  let executions = 0;
  for (const scenario of scenarios) {
    const { ok, output } = await protocol(scenario, bound);
    const count = Number(/^(\d+) executions$/m.exec(output)?.[1] ?? 0);
    if (ok && count > 0) holding++;
    executions += count;
    lines.push(ok ? `${scenario}: holds, ${count} executions` : `${scenario}: ${output}`);
  }
  const tried = short ? [] : mutants;
  let caught = 0;
  for (const [mutant, scenario] of tried) {
    const { ok, output } = await protocol(scenario!, bound, mutant!);
    // Loom itself finds accesses that race.
    const violated = /panicked.*\n(?:property (\w+)|(Causality violation))/.exec(output);
    if (!ok && violated) caught++;
    const how = violated ? `caught: ${violated[1] ?? "a data race"}` : `NOT caught\n${output}`;
    lines.push(`${mutant} ${how}`);
  }
  const held = `${
    executions.toLocaleString("en")
  } executions, ${holding} of ${scenarios.length} scenarios hold`;
  const killed = short ? "" : `, ${caught} of ${tried.length} mutants caught`;
  // The first lines are stale references.
  const stale = lines.length - scenarios.length - tried.length;
  return {
    ok: stale === 0 && scenarios.length > 0 && holding === scenarios.length &&
      caught === tried.length && mutants.length > 0,
    output: `${lines.join("\n")}\n`,
    note: held + killed,
  };
}
