/**
 * Every way to get the package, tried on this machine: one table at the end. `deno task ship
 * --help` shows how to narrow it.
 */

import { markdownTable } from "markdown-table";
import { demand, optionsOf } from "./lib/options.ts";
import type { Cell } from "./ship/lib/cell.ts";
import { otherPlatforms } from "./ship/lib/other_platforms.ts";

/** What each module in `ship/` exports, and nothing else. */
type Part = () => Promise<Cell[]>;

const folder = new URL("ship/", import.meta.url);
Deno.chdir(new URL("..", import.meta.url));

const names = Array.from(Deno.readDirSync(folder), ({ name }) => name)
  .filter((name) => name.endsWith(".ts")).map((name) => name.slice(0, -".ts".length)).sort();

const { values } = optionsOf({
  options: {
    check: { type: "boolean" },
    only: { type: "string", multiple: true, default: [] },
    help: { type: "boolean" },
  },
});
if (values.help || !values.check) {
  console.log(`Usage: deno task ship --check [--only PART,...]

  --check  try all ways to get the package; nothing is published
  --only   only these parts

The parts:
  ${names.join(", ")}`);
  Deno.exit(values.help ? 0 : 1);
}
const only = values.only.flatMap((names) => names.split(","));
demand("part", only, names);

const cells: Cell[] = [];
for (const name of only.length > 0 ? only : names) {
  const start = performance.now();
  cells.push(...await cellsOf(name));
  console.log(`${name}: ${((performance.now() - start) / 60_000).toFixed(1)} min`);
}

const failures = cells.filter(({ failure }) => failure !== undefined);
for (const { way, where, failure } of failures) {
  console.log(`\n${way}, ${where}: FAILED\n${failure!.trimEnd()}`);
}

const ofHere = [...new Set(cells.map(({ where }) => where))]
  .filter((where) => !otherPlatforms.includes(where)).sort();
const columns = [...ofHere, ...otherPlatforms];
const reasons: string[] = [];
const rows = [...new Set(cells.map(({ way }) => way))].map((way) => {
  return [way, ...columns.map((where) => shown(way, where))];
});
const here = `${Deno.build.os} ${Deno.build.arch}`;
console.log(`\nOn ${here}:\n${markdownTable([["", ...columns], ...rows])}\n`);
reasons.forEach((why, index) => console.log(`${index + 1}: not possible here: ${why}`));
const count = (how: Cell["how"]) => cells.filter((cell) => cell.how === how).length;
console.log(
  `${count("run")} run, ${count("inspected")} inspected, ${failures.length} failed`,
);
Deno.exit(failures.length > 0 ? 1 : 0);

/** The text of a cell. Where several programs ran, one that failed decides. */
function shown(way: string, where: string): string {
  const found = cells.filter((cell) => cell.way === way && cell.where === where);
  if (found.some(({ failure }) => failure !== undefined)) return "FAILED";
  const [cell] = found;
  if (cell !== undefined && cell.how !== "impossible") return cell.how;
  const why = cell?.why ?? missing(way, where);
  if (!reasons.includes(why)) reasons.push(why);
  return `${reasons.indexOf(why) + 1}`;
}

/** Why no part has this cell. */
function missing(way: string, where: string): string {
  if (otherPlatforms.includes(where)) {
    return "it needs such a machine: `deno task platforms` emulates some, CI has them";
  }
  if (way.includes("carries")) return "the library of this machine is not inspected, it runs";
  if (/^Deno \d/.test(where)) {
    return way.startsWith("safepoints: jsr")
      ? "that Deno has no hooks for modules"
      : "the oldest Deno is tried with JSR only";
  }
  return way.includes("jsr")
    ? "JSR serves Deno; Bun and Node get what `npx jsr add` makes of it"
    : "that tool makes a program of another runtime";
}

/** A part that cannot even start is a cell that fails. */
async function cellsOf(name: string): Promise<Cell[]> {
  try {
    const exports = Object.values(await import(new URL(`${name}.ts`, folder).href));
    if (exports.length !== 1) {
      throw new Error(`ship/${name}.ts exports ${exports.length} things`);
    }
    const found = await (exports[0] as Part)();
    if (found.length === 0) throw new Error(`ship/${name}.ts gave no cell`);
    return found;
  } catch (error) {
    const failure = error instanceof Error ? error.message : `${error}`;
    return [{ way: name, where: "Deno", how: "run", failure }];
  }
}
