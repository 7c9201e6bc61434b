import { Buffer } from "node:buffer";
import { zigBuild } from "./build.ts";
import type { Outcome } from "./run.ts";
import { tracked } from "./tracked.ts";

/**
 * Runs the unit tests of the library. Zig silently leaves out the tests of a file that no `test`
 * block reaches, so this looks for each of them in the program that Zig has built.
 */
export async function unitTests(mode: string): Promise<Outcome> {
  const outcome = await zigBuild("test", `-Doptimize=${mode}`);
  if (!outcome.ok) return outcome;
  const program = Buffer.from(await Deno.readFile("build/unit_tests"));
  const leftOut: string[] = [];
  // A new file may not be in git yet.
  for (const file of await tracked("--cached", "--others", "--exclude-standard", "*.zig")) {
    const source = await Deno.readTextFile(file);
    for (const [, name] of source.matchAll(/^ *test "(.*)" \{$/gm)) {
      if (!program.includes(`.test.${name}`)) leftOut.push(`${file}: ${name}`);
    }
  }
  return {
    ok: leftOut.length === 0,
    output: `Zig leaves out these tests. Name their file in the last block of zig-src/root.zig:\n` +
      leftOut.join("\n"),
  };
}
