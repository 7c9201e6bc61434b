import { allMutants } from "./models.ts";
import type { Outcome } from "./run.ts";
import { oldest } from "./toolchain.ts";

/**
 * Checks that the proofs that SECURITY.md names exist (`file`, or `file` "title of the test"), that
 * README.md names the oldest versions, and that the models have the mutants that docs/design.md
 * names.
 */
export async function guarantees(): Promise<Outcome> {
  const text = await Deno.readTextFile("SECURITY.md");
  const table = text.slice(text.indexOf("<!-- guarantees"));
  const proofs = [
    ...table.matchAll(/`((?:[\w-]+\/)+[\w.]+)`(?: "(.*?)"(?=[,\s]))?/g),
  ];
  const missing: string[] = [];
  for (const [, file = "", title = ""] of proofs) {
    const source = await Deno.readTextFile(file).catch(() => undefined);
    if (!source?.includes(title)) missing.push(`${file} "${title}"`);
  }
  const readme = (await Deno.readTextFile("README.md")).replace(/\s+/g, " ");
  const { deno, bun, node } = oldest;
  const supported = [`Deno ${deno}`, `Bun ${bun}`, `Node ${node.join(" or ")}`];
  const unsaid = supported.filter((text) => !readme.includes(text));
  const design = await Deno.readTextFile("docs/design.md");
  const mutants = design.match(/\bM_\w+/g) ?? [];
  const rules = allMutants();
  const gone = mutants.filter((mutant) => !rules.includes(mutant));
  return {
    ok: proofs.length > 0 && mutants.length > 0 &&
      [missing, unsaid, gone].every(({ length }) => length === 0),
    output: `SECURITY.md names what is not there: ${missing.join(", ")}\n` +
      `README.md does not say what is tested: ${unsaid.join(", ")}\n` +
      `docs/design.md names mutants that no model has: ${gone.join(", ")}`,
  };
}
