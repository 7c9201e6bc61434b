import { kernelDensityEstimation, quantileSorted } from "simple-statistics";
import { format } from "./format.ts";
import type { Column, Runtime } from "./question.ts";
import type { Report } from "./report.ts";
import { sorted } from "./sorted.ts";

type Result = Report["questions"][number]["results"][number];

/** Which column a chart shows, and how. */
export interface Chart {
  title: string;
  key: string;
  unit: Column["unit"];
}

/** A bar for each contestant. Colours are names: see pictures.ts. */
export function bars(results: readonly Result[], chart: Chart): object {
  const { key, unit } = chart;
  const found = measured(results, key);
  const medians = found.map((result) => quantile(result, key, 0.5));
  // Bar lengths are only comparable on an axis that starts at zero. Use a log scale only where the
  // bars would not fit otherwise.
  const [low, high] = Math.max(...medians) < 50 * Math.min(...medians)
    ? [0, Math.max(...medians) * 1.05]
    : decades(medians);
  return frame(found, chart, [low, high], 70, (result, y) => {
    const value = quantile(result, key, 0.5);
    const x = Math.min(Math.max(value, low), high);
    return {
      area: [low, x].map((x) => ({ x, y: y + 0.33, y2: y - 0.33 })),
      label: { x, text: format(value, unit) },
    };
  });
}

/** The density of each contestant's distribution on a log scale, with p50 and p99. */
export function distribution(
  results: readonly Result[],
  chart: Chart,
): object {
  const { key, unit } = chart;
  const found = results.filter(({ samples }) => samples.length > 0);
  const [low, high] = decades(
    measured(results, key).flatMap((result) => [0.005, 0.995].map((q) => quantile(result, key, q))),
  );
  return frame(found, chart, [low, high], 170, (result, y) => {
    if (sorted(result.samples, key).length === 0) {
      return { area: [], side: "never" };
    }
    const points = density(result, key, low, high);
    const most = Math.max(...points.map(([, share]) => share));
    const bottom = y + 0.4;
    const p50 = quantile(result, key, 0.5);
    const p99 = quantile(result, key, 0.99);
    return {
      area: points.map(([x, share]) => ({
        x,
        y: bottom,
        y2: bottom - 0.85 * share / most,
      })),
      tick: { x: p50, y: bottom, y2: y - 0.45 },
      side: `p50 ${format(p50)}, p99 ${format(p99, unit)}`,
    };
  });
}

interface Point {
  x: number;
  y: number;
  y2: number;
}

interface Row {
  area: Point[];
  tick?: Point;
  /** At the end of a bar. */
  label?: { x: number; text: string };
  /** In the right margin. */
  side?: string;
}

const runtimes: Record<Runtime, string> = {
  deno: "Deno",
  bun: "Bun",
  node: "Node",
  native: "C",
  perl: "Perl",
};
const width = 400;
const rowHeight = 22;

/** Text is placed but never measured, so the picture does not depend on the machine's fonts. */
function frame(
  found: Result[],
  { title, unit }: Chart,
  [low, high]: [number, number],
  right: number,
  row: (result: Result, y: number) => Row,
): object {
  const areas: object[] = [];
  const ticks: object[] = [];
  const texts: object[] = [{ kind: "title", y: -0.7, text: title }];
  let y = 0;
  let longest = 0;
  for (const [runtime, heading] of Object.entries(runtimes)) {
    const group = found.filter((result) => result.runtime === runtime);
    if (group.length === 0) continue;
    y += y === 0 ? 0.5 : 1.3;
    texts.push({ kind: "heading", y, text: heading });
    y += 1;
    for (const result of group) {
      const name = wrap(result.name);
      // The second line takes more room.
      const more = (name.length - 1) * 0.3;
      y += more;
      longest = Math.max(longest, ...name.map((line) => line.length));
      const who = result.ours ? "ours" : "peer";
      const { area, tick, label, side } = row(result, y);
      areas.push(...area.map((point) => ({ ...point, who, id: y })));
      if (tick) ticks.push(tick);
      name.forEach((text, i) =>
        texts.push({
          kind: "name",
          who,
          y: y + (i - (name.length - 1) / 2) * 0.62,
          text,
        })
      );
      if (label) texts.push({ kind: "label", who, y, ...label });
      if (side) texts.push({ kind: "side", who, y, text: side });
      y += 1 + more;
    }
    y -= 1;
  }
  const bottom = y + 0.8;
  // Even numbers, like the height, because the PNGs are scaled by 1.5.
  const left = 2 * Math.ceil(longest * 3.35) + 14;

  const log = low > 0;
  const horizontal = {
    field: "x",
    type: "quantitative",
    scale: { type: log ? "log" : "linear", domain: [low, high], nice: false },
    axis: {
      title: log ? `${unit} (log scale)` : unit,
      values: log ? powers(low, high) : undefined,
      tickCount: 5,
      format: ",~r",
      labelFlush: false,
      labelOverlap: false,
    },
  };
  const vertical = {
    field: "y",
    type: "quantitative",
    axis: null,
    scale: { domain: [bottom, 0], zero: false, nice: false },
  };
  const text = (kind: string, mark: object, x: object) => ({
    transform: [{ filter: `datum.kind === '${kind}'` }],
    mark: { type: "text", baseline: "middle", ...mark },
    encoding: {
      x,
      y: vertical,
      text: { field: "text", type: "nominal" },
      color: ours("@text", /title|heading/.test(kind) ? "@text" : "@faint"),
    },
  });
  const weight = { fontWeight: { expr: "datum.who === 'ours' ? 600 : 400" } };
  return {
    autosize: { type: "none" },
    padding: { left: left + 14, right: right + 14, top: 44, bottom: 48 },
    width,
    height: 2 * Math.round(bottom * rowHeight / 2),
    layer: [
      {
        data: { values: areas },
        mark: { type: "area", clip: true },
        encoding: {
          x: horizontal,
          y: vertical,
          y2: { field: "y2" },
          detail: { field: "id", type: "nominal" },
          fill: ours("@ours", "@peer"),
        },
      },
      {
        data: { values: ticks },
        mark: { type: "rule", strokeWidth: 2 },
        encoding: {
          x: horizontal,
          y: vertical,
          y2: { field: "y2" },
          color: { value: "@text" },
        },
      },
      {
        data: { values: texts },
        layer: [
          text("title", { align: "left", fontWeight: 600, fontSize: 15 }, {
            value: -left,
          }),
          text("heading", { align: "left", fontWeight: 600, fontSize: 13 }, {
            value: -left,
          }),
          text("name", { align: "right", fontSize: 12, ...weight }, {
            value: -10,
          }),
          text("label", { align: "left", dx: 6, fontSize: 12, ...weight }, {
            ...horizontal,
          }),
          text("side", { align: "left", fontSize: 12, ...weight }, {
            value: width + 12,
          }),
        ],
      },
    ],
  };
}

function ours(colour: string, peers: string): object {
  return {
    condition: { test: "datum.who === 'ours'", value: colour },
    value: peers,
  };
}

function wrap(name: string): string[] {
  const lines: string[] = [];
  for (const word of name.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length > 36) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

function measured(results: readonly Result[], key: string): Result[] {
  return results.filter((result) => sorted(result.samples, key).length > 0);
}

function quantile(result: Result, key: string, q: number): number {
  return quantileSorted(sorted(result.samples, key), q);
}

/** Powers of ten around the values. Values close to zero do not take up the whole axis. */
function decades(values: number[]): [low: number, high: number] {
  const high = Math.ceil(Math.log10(Math.max(...values)));
  const positive = values.filter((value) => value > 0);
  const low = Math.floor(Math.log10(Math.min(...positive)));
  return [10 ** Math.min(Math.max(low, -2, high - 8), high - 1), 10 ** high];
}

function powers(low: number, high: number): number[] {
  const first = Math.round(Math.log10(low));
  const last = Math.round(Math.log10(high));
  return Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i));
}

/** The density over the log axis, with as many points as a smooth curve needs. */
function density(
  result: Result,
  key: string,
  low: number,
  high: number,
): [x: number, share: number][] {
  const all = sorted(result.samples, key);
  const values = Array.from(
    { length: 1000 },
    (_, i) => Math.log10(quantileSorted(all, (i + 0.5) / 1000)),
  );
  const [from, to] = [Math.log10(low), Math.log10(high)];
  const estimate = kernelDensityEstimation(
    values,
    "gaussian",
    (to - from) / 150,
  );
  const steps = 150;
  return Array.from({ length: steps + 1 }, (_, i) => {
    const x = from + (to - from) * i / steps;
    return [10 ** x, estimate(x)];
  });
}
