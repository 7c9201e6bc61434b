/**
 * Runs the tests on platforms other than this machine's own, and prints one table. `deno task
 * platforms --help` shows how to narrow it.
 */

import { markdownTable } from "markdown-table";
import { demand, optionsOf } from "./lib/options.ts";
import { nodeVersions } from "./lib/toolchain.ts";
import type { Row } from "./platforms/lib/row.ts";

/** What each module in `platforms/` exports, and nothing else. */
type Platform = (short: boolean, isWanted: (runtime: string) => boolean) => Promise<Row[]>;

const folder = new URL("platforms/", import.meta.url);
Deno.chdir(new URL("..", import.meta.url));

const names = Array.from(Deno.readDirSync(folder), ({ name }) => name)
  .filter((name) => name.endsWith(".ts")).map((name) => name.slice(0, -".ts".length)).sort();

const { values } = optionsOf({
  options: {
    only: { type: "string", multiple: true, default: [] },
    runtime: { type: "string", multiple: true, default: [] },
    short: { type: "boolean", default: false },
    help: { type: "boolean" },
  },
});
if (values.help) {
  console.log(`Usage: deno task platforms [--only PLATFORM,...] [--runtime NAME,...] [--short]

  --only     only these platforms
  --runtime  only these, where a platform has several: deno, bun, node22 and so on
  --short    a few tests of each

The platforms:
  ${names.join(", ")}`);
  Deno.exit();
}
const only = values.only.flatMap((names) => names.split(","));
demand("platform", only, names);
const chosen = values.runtime.flatMap((names) => names.split(","));
demand("runtime", chosen, ["deno", "bun", ...nodeVersions.map((major) => `node${major}`)]);
/** Whether to test on a runtime of this name, such as "Node 22". */
const isWanted = (runtime: string) =>
  chosen.length === 0 || chosen.includes(runtime.toLowerCase().replace(" ", ""));

const rows: Row[] = [];
for (const name of only.length > 0 ? only : names) {
  const start = performance.now();
  const found = await rowsOf(name);
  rows.push(...found);
  const minutes = ((performance.now() - start) / 60_000).toFixed(1);
  for (const { name, failed, output } of found) {
    if (failed > 0) console.log(`${name}: FAILED\n${output?.trimEnd() ?? ""}`);
  }
  console.log(`${name}: ${minutes} min`);
}

const table = rows.map(({ name, how, passed, failed, skipped, again = 0, note = "" }) => {
  const told = again > 0 ? `${again} ran again alone; ${note}` : note;
  return [name, how, `${passed}`, `${failed}`, `${skipped}`, told];
});
const head = ["platform", "how", "passed", "failed", "skipped", ""];
console.log(markdownTable([head, ...table], { align: ["l", "l", "r", "r", "r", "l"] }));
const sum = (key: "passed" | "failed" | "skipped") => rows.reduce((sum, row) => sum + row[key], 0);
console.log(`${sum("passed")} passed, ${sum("failed")} failed, ${sum("skipped")} skipped`);
Deno.exit(rows.some(({ failed }) => failed > 0) ? 1 : 0);

/** A platform that cannot even start is one row that fails. */
async function rowsOf(name: string): Promise<Row[]> {
  try {
    const exports = Object.values(await import(new URL(`${name}.ts`, folder).href));
    if (exports.length !== 1) {
      throw new Error(`platforms/${name}.ts exports ${exports.length} things`);
    }
    const found = await (exports[0] as Platform)(values.short, isWanted);
    if (found.length === 0) throw new Error(`platforms/${name}.ts gave no row`);
    return found;
  } catch (error) {
    const output = error instanceof Error ? error.message : `${error}`;
    return [{ name, how: "impossible", passed: 0, failed: 1, skipped: 0, note: "", output }];
  }
}
