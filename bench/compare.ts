/**
 * `deno run -A bench/compare.ts FILE FILE ...`: shows on which targets several `--json` runs agree.
 */

import { markdownTable } from "markdown-table";
import type { Report } from "./lib/report.ts";

const reports: Report[] = await Promise.all(
  Deno.args.map(async (file) => JSON.parse(await Deno.readTextFile(file))),
);
const texts = new Set(
  reports.flatMap(({ targets }) => targets.map(({ letter, text }) => `${letter}  ${text}`)),
);
let agreed = 0;
const rows = [...texts].map((name) => {
  const found = reports.map(({ targets }) =>
    targets.find(({ letter, text }) => name === `${letter}  ${text}`)
  );
  const verdicts = new Set(found.map((target) => target?.met));
  if (verdicts.size === 1) agreed++;
  return [
    name,
    ...found.map((target) =>
      target?.met === undefined
        ? "not measured"
        : `${target.met ? "yes" : "no"}: ${target.measured}`
    ),
    verdicts.size === 1 ? "agree" : "DIFFER",
  ];
});
const head = ["target", ...Deno.args, ""];
console.log(markdownTable([head, ...rows], { alignDelimiters: false }));
console.log(`\nThe runs agree on ${agreed} of ${texts.size} targets.`);
Deno.exit(agreed === texts.size ? 0 : 1);
