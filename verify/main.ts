/**
 * Proves what tests alone cannot prove, and prints figures. `deno task verify --help` shows how to
 * narrow it.
 */

import { allMutants } from "../scripts/lib/models.ts";
import { demand, optionsOf } from "../scripts/lib/options.ts";
import { isInstalled, type Outcome } from "../scripts/lib/run.ts";
import { bindings } from "./bindings.ts";
import { drivers } from "./drivers.ts";
import { faults } from "./faults.ts";
import { fuzz } from "./fuzz.ts";
import { litmus } from "./litmus.ts";
import { loom } from "./loom.ts";
import { model } from "./model.ts";
import { oldest } from "./oldest.ts";
import { rust } from "./rust.ts";
import { safepoints } from "./safepoints.ts";
import { searches } from "./searches.ts";
import { soak } from "./soak.ts";
import { storm } from "./storm.ts";
import { stress } from "./stress.ts";

const parts: Record<
  string,
  (short: boolean) => Promise<Outcome & { note: string }>
> = {
  model: (short) => model(short, mutants),
  stress,
  faults,
  fuzz,
  bindings,
  loom,
  litmus,
  rust,
  safepoints,
  soak,
  storm,
  oldest,
  drivers,
  searches,
};

/** Parts that need a tool which this project does not fetch. */
const tools: Record<string, string> = { loom: "cargo", rust: "cargo", litmus: "herd7" };

const { values } = optionsOf({
  options: {
    short: { type: "boolean", default: false },
    only: { type: "string" },
    mutant: { type: "string", multiple: true, default: [] },
    help: { type: "boolean" },
  },
});
if (values.help) {
  console.log(`Usage: deno task verify [--short] [--only PART,...] [--mutant M_X,...]

  --short   fewer and shorter runs, and the models without mutants
  --only    only these parts; otherwise all but soak, storm, oldest, drivers and searches, which
            take long; loom and rust only if cargo is on PATH, litmus only if herd7 is
  --mutant  only the models, and only whether they catch these mutants

The parts:
  ${Object.keys(parts).join(", ")}

The mutants:
  ${allMutants().join("\n  ")}`);
  Deno.exit();
}
const mutants = values.mutant.flatMap((names) => names.split(","));
demand("mutant", mutants, allMutants());
const usual = mutants.length > 0
  ? "model"
  : "model,stress,faults,fuzz,bindings,loom,litmus,rust,safepoints";
const chosen = (values.only ?? usual).split(",");
demand("part", chosen, Object.keys(parts));
Deno.chdir(new URL("..", import.meta.url));

let failed = false;
for (const name of chosen) {
  const tool = tools[name];
  if (tool !== undefined && !values.only && !await isInstalled(tool)) {
    console.log(`${name}: NOT RUN, because ${tool} is not on PATH\n`);
    continue;
  }
  const start = performance.now();
  const { ok, output, note } = await parts[name]!(values.short).catch((error) => ({
    ok: false,
    output: (error as Error).message,
    note: "which could not be run",
  }));
  failed ||= !ok;
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  console.log(output.trimEnd());
  console.log(`${name}: ${ok ? "ok" : "FAILED"} (${seconds} s), ${note}\n`);
}
Deno.exit(failed ? 1 : 0);
