import { run } from "../../scripts/run.ts";
import { zig } from "../../scripts/toolchain.ts";
import { format } from "../format.ts";
import { peersFolder } from "../peers.ts";
import type { Contestant, Question, Results } from "../question.ts";
import { type Runtime, sample } from "../runtimes.ts";

const blind = "AbortSignal.aborted (never sees it)";
/** The peer that shows how far one measurement is from the next. */
export const noise = "nothing (the noise)";

/** By name: the way of programs/poll.ts, and where it is there to be had. */
const peers: Record<string, [way: string, only?: Runtime]> = {
  "Atomics.load": ["atomics"],
  // It is set by a task of the event loop, which does not turn while the loop is busy.
  [blind]: ["abortSignal"],
  "performance.now() deadline": ["performanceNow"],
  "Date.now() deadline": ["dateNow"],
  "N-API call": ["napi"],
  "koffi call": ["koffi"],
  "Deno.dlopen call": ["deno", "deno"],
  "bun:ffi call": ["bun", "bun"],
  [noise]: ["nothing"],
};

/** What hot loops pay for a poll. */
export const question: Question = {
  letter: "c",
  title: "Poll",
  how:
    "What a poll adds to a turn of a hot loop: the loop with it minus the same loop without. The body is a step of a " +
    "linear congruential generator, about 1 ns; the emptiest loop only adds. Native calls load a flag.",
  columns: [
    { key: "lcg", title: "added to a turn", unit: "ns" },
    { key: "empty", title: "to the emptiest loop", unit: "ns" },
  ],

  async contestants({ runtimes }) {
    await buildFlag();
    return runtimes.flatMap((runtime) => [
      contestant(runtime, "checkpoint()", "checkpoint", true),
      ...Object.entries(peers)
        .filter(([, [, only]]) => only === undefined || only === runtime)
        .map(([name, [way]]) => contestant(runtime, name, way, false)),
    ]);
  },

  targets: (results) => [
    within("V8 within 0.2 ns of the bare loop", ["deno", "node"], 0.2, results),
    within("JavaScriptCore within 0.6 ns", ["bun"], 0.6, results),
    cheaper("at least 5 x cheaper than every safe peer", 5, results),
  ],
};

function contestant(
  runtime: Runtime,
  name: string,
  way: string,
  ours: boolean,
): Contestant {
  return { name, runtime, ours, run: () => sample(runtime, "poll.ts", way) };
}

async function buildFlag() {
  const source = new URL("../native/flag.c", import.meta.url).pathname;
  const library = new URL("flag.node", peersFolder).pathname;
  const command = [await zig(), "cc", "-O2", "-shared", "-fPIC"];
  // N-API comes from the runtime.
  if (Deno.build.os === "darwin") command.push("-Wl,-undefined,dynamic_lookup");
  const { ok, output } = await run([...command, "-o", library, source]);
  if (!ok) throw new Error(`Could not build flag.c:\n${output}`);
}

function within(
  text: string,
  runtimes: Runtime[],
  limit: number,
  results: Results,
) {
  const figures = runtimes.map((runtime) =>
    results.ours(runtime)?.median("lcg") ?? NaN
  );
  return {
    text,
    measured: figures.map((ns, i) => `${format(ns, "ns")} (${runtimes[i]})`)
      .join(", "),
    met: figures.some(Number.isNaN)
      ? undefined
      : figures.every((ns) => ns <= limit),
  };
}

function cheaper(text: string, factor: number, results: Results) {
  const nearest = (["deno", "bun", "node"] as const).flatMap((runtime) => {
    const ours = results.ours(runtime)?.median("lcg") ?? NaN;
    const rivals = results.peers(runtime)
      .filter(({ contestant: { name } }) => name !== blind && name !== noise)
      .filter((peer) => peer.samples.length > 0)
      .map((peer) => ({
        name: peer.contestant.name,
        runtime,
        // What is added may be nothing, or less than that by chance: then the noise is what it can at most be.
        ratio: peer.median("lcg") / Math.max(ours, spread(results, runtime)),
      }));
    rivals.sort((a, b) => a.ratio - b.ratio);
    return Number.isNaN(ours) ? [] : rivals.slice(0, 1);
  });
  return {
    text,
    measured: nearest.map(({ name, runtime, ratio }) =>
      `${format(ratio, "ratio")} (${runtime}: ${name})`
    ).join(", "),
    met: nearest.length < 3
      ? undefined
      : nearest.every(({ ratio }) => ratio >= factor),
  };
}

/** How far apart two equal loops are found to be, mostly. */
function spread(results: Results, runtime: Runtime): number {
  const nothing = results.peers(runtime)
    .find(({ contestant }) => contestant.name === noise);
  return nothing === undefined ? NaN : Math.max(
    ...[0.25, 0.75].map((q) => Math.abs(nothing.quantile("lcg", q))),
  );
}
