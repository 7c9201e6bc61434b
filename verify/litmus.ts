import { type Outcome, run } from "../scripts/lib/run.ts";
import { staleReferences } from "./model.ts";

const folder = new URL("litmus/", import.meta.url);

/**
 * Asks herd7 whether the memory model of ARMv8 allows what each litmus test looks for: those that
 * begin with "Never" would be a bug, those with "Sometimes" say why the code is not simpler.
 */
export async function litmus(): Promise<Outcome & { note: string }> {
  const lines: string[] = [];
  let right = 0;
  const names = Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
  for (const name of names) {
    const text = await Deno.readTextFile(new URL(name, folder));
    lines.push(...staleReferences(name, text));
    const expected = /^"(Never|Sometimes): /m.exec(text)?.[1];
    const { ok, output } = await run(
      ["herd7", "-model", "aarch64.cat", "-variant", "mixed", name],
      { cwd: folder },
    );
    const [, found, reached, all] = /^Observation \w+ (\w+) (\d+) (\d+)$/m.exec(output) ?? [];
    if (ok && found !== undefined && found === expected) right++;
    lines.push(
      found ? `${name}: ${found}, ${reached} for and ${all} against` : `${name}: ${output}`,
    );
  }
  return {
    ok: names.length > 0 && right === names.length && lines.length === names.length,
    output: `${lines.join("\n")}\n`,
    note: `${right} of ${names.length} litmus tests as expected`,
  };
}
