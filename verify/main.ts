/**
 * Proves what tests alone cannot prove: `deno task verify [--short] [--only model,soak,...]`.
 * Prints figures.
 */

import { parseArgs } from "node:util";
import { build } from "../scripts/lib/build.ts";
import type { Outcome } from "../scripts/lib/run.ts";
import { bindings } from "./bindings.ts";
import { faults } from "./faults.ts";
import { fuzz } from "./fuzz.ts";
import { model } from "./model.ts";
import { oldest } from "./oldest.ts";
import { soak } from "./soak.ts";
import { storm } from "./storm.ts";
import { stress } from "./stress.ts";

const parts: Record<
  string,
  (short: boolean) => Promise<Outcome & { note: string }>
> = { model, stress, faults, fuzz, bindings, soak, storm, oldest };

const { values } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    // The soak alone takes six minutes, the storm two, the oldest versions two.
    only: { type: "string", default: "model,stress,faults,fuzz,bindings" },
  },
});
Deno.chdir(new URL("..", import.meta.url));
await build("testkit");

let failed = false;
for (const name of values.only.split(",")) {
  const part = parts[name];
  if (part === undefined) {
    console.error(`No such part: ${name}. There are: ${Object.keys(parts)}`);
    Deno.exit(1);
  }
  const start = performance.now();
  const { ok, output, note } = await part(values.short);
  failed ||= !ok;
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  console.log(output.trimEnd());
  console.log(`${name}: ${ok ? "ok" : "FAILED"} (${seconds} s), ${note}\n`);
}
Deno.exit(failed ? 1 : 0);
