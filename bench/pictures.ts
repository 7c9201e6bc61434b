/**
 * `deno run -A bench/pictures.ts FILE ...`: draws the results of `deno task bench --json FILE` into
 * `docs/pictures/`.
 */

import { bars, type Chart, distribution } from "./lib/charts.ts";
import { run } from "../scripts/lib/run.ts";
import { installDrawing } from "./lib/peers.ts";
import { noise } from "./questions/poll.ts";
import type { Report } from "./lib/report.ts";
import { commandFor } from "./lib/runtimes.ts";

/** Keyed by file name: the letter of the question, and a suffix where it has several charts. */
const charts: Record<string, Chart & { draw: typeof bars }> = {
  "a": {
    draw: bars,
    title: "What a call into a busy JavaScript thread costs the caller",
    key: "ns",
    unit: "ns",
  },
  "b": {
    draw: distribution,
    title: "From a signal to its callback, inside running JavaScript",
    key: "latency",
    unit: "µs",
  },
  "c": {
    draw: bars,
    title: "What a poll adds to a turn of a hot loop",
    key: "imul ns",
    unit: "ns",
  },
  "d": {
    draw: distribution,
    title: "From kill(2) to the callback in an idle loop: another processor",
    key: "far",
    unit: "µs",
  },
  "d-near": {
    draw: distribution,
    title: "From kill(2) to the callback in an idle loop: the same processor",
    key: "near",
    unit: "µs",
  },
  "e": {
    draw: bars,
    title: "CPU time for 200,000 signals",
    key: "cpu",
    unit: "ms",
  },
  "f": {
    draw: bars,
    title: "A signal and its callback, next to Perl's Async::Interrupt",
    key: "signal",
    unit: "ns",
  },
};

/** The values of the colour names that charts use. */
const themes = {
  light: {
    "@background": "#ffffff",
    "@text": "#1f2328",
    "@faint": "#59636e",
    "@grid": "#e4e8ec",
    "@peer": "#b3bbc4",
    "@ours": "#1f6feb",
  },
  dark: {
    "@background": "#0d1117",
    "@text": "#f0f6fc",
    "@faint": "#9198a1",
    "@grid": "#262c36",
    "@peer": "#59626d",
    "@ours": "#4493f8",
  },
};

const config = {
  background: "@background",
  font: "Inter, system-ui, 'Segoe UI', Helvetica, Arial, sans-serif",
  view: { stroke: null },
  axis: {
    domain: false,
    ticks: false,
    gridColor: "@grid",
    labelColor: "@faint",
    labelFontSize: 11,
    labelPadding: 6,
    titleColor: "@faint",
    titleFontSize: 11,
    titleFontWeight: 400,
    titlePadding: 8,
  },
};

const folder = new URL("../docs/pictures/", import.meta.url);

/** Draws `docs/pictures/<name>-<light|dark>.{svg,png}`. */
export async function drawPictures({ questions }: Report): Promise<void> {
  const specs: Record<string, object> = {};
  for (const [name, chart] of Object.entries(charts)) {
    const question = questions.find(({ letter }) => letter === name[0]);
    if (question === undefined) continue;
    const shown = question.results.filter((result) => result.name !== noise);
    const text = JSON.stringify({ config, ...chart.draw(shown, chart) });
    for (const [theme, colours] of Object.entries(themes)) {
      const path = new URL(`${name}-${theme}`, folder).pathname;
      specs[path] = JSON.parse(
        text,
        (_, value) => (colours as Record<string, string>)[value] ?? value,
      );
    }
  }
  await Deno.mkdir(folder, { recursive: true });
  const file = await Deno.makeTempFile({ suffix: ".json" });
  await Deno.writeTextFile(file, JSON.stringify(specs));
  const packages = await installDrawing();
  const command = await commandFor("node", "draw.ts");
  const { ok, output } = await run([...command, packages.pathname, file]);
  await Deno.remove(file);
  if (!ok) throw new Error(`Could not draw the pictures:\n${output}`);
}

if (import.meta.main) {
  for (const file of Deno.args) {
    await drawPictures(JSON.parse(await Deno.readTextFile(file)));
  }
}
