import { markdownTable } from "markdown-table";
import { format } from "./format.ts";
import type { Column, Result, Results } from "./question.ts";

/**
 * A question's results as a table: the median (min..max over the rounds), or p50 and p99 of a
 * distribution.
 */
export function table(results: Results): string {
  const { columns, all } = results;
  const head = ["", "runtime", ...columns.map(({ title }) => title), "to ours"];
  const rows = all.map((result) => {
    const { name, runtime, ours } = result.contestant;
    const cells = result.samples.length === 0
      ? [
        `no figure: ${line(result.failure)}`,
        ...columns.slice(1).map(() => ""),
      ]
      : columns.map((column) => cell(result, column));
    if (result.samples.length > 0 && result.failure !== undefined) {
      cells[cells.length - 1] += `; then: ${line(result.failure)}`;
    }
    const our = ours ? undefined : results.ours(runtime);
    return [
      ours ? `**${name}**` : name,
      runtime,
      ...cells,
      our ? ratio(result, our, columns[0]!.key) : "",
    ];
  });
  return markdownTable([head, ...rows], { alignDelimiters: false });
}

function cell(result: Result, { key, unit }: Column): string {
  const middle = result.median(key);
  if (Number.isNaN(middle)) return "–";
  const pooled = result.samples.some((sample) => typeof sample[key] === "object");
  if (pooled) {
    const [p50, p99] = [0.5, 0.99].map((q) => format(result.quantile(key, q)));
    return `p50 ${p50}, p99 ${p99} ${unit}`.trim();
  }
  const [min, max] = [0, 1].map((q) => format(result.quantile(key, q)));
  const text = format(middle, unit);
  return min === max ? text : `${text} (${min}..${max})`;
}

/**
 * How many times our figure the peer's is. If noise makes our figure zero or less, only a lower
 * bound is known: it comes from the highest of our values.
 */
function ratio(peer: Result, our: Result, key: string): string {
  const [theirs, ours, highest] = [
    peer.median(key),
    our.median(key),
    our.quantile(key, 1),
  ];
  if (Number.isNaN(theirs) || Number.isNaN(ours) || highest <= 0) return "";
  const positive = our.quantile(key, 0) > 0;
  const times = theirs / (positive ? ours : highest);
  // Beyond this the exact ratio says nothing.
  if (times > 1000) return "over 1,000 x";
  return positive ? format(times, "ratio") : `over ${format(times, "ratio")}`;
}

function line(text = "it was not run"): string {
  return text.replace(/\s+/g, " ").trim().slice(0, 160);
}
