import { node, nodeVersions } from "../../scripts/lib/toolchain.ts";
import { format } from "../lib/format.ts";
import { compile } from "../native/compile.ts";
import type { Contestant, Question, Results, Runtime } from "../lib/question.ts";
import { commandFor, nodeMajor, sample, sampleOf } from "../lib/runtimes.ts";
import { ours, verdict } from "./verdict.ts";

const blind = "AbortSignal.aborted (never sees it)";
/** After its callback has run in the loop: before that, compiled code has no call there. */
const ran = "checkpoint()";
/**
 * The same while the wake is on its way, since the event loop has not turned: a busy loop is in
 * this state most of the time.
 */
const waking = "checkpoint(), wake on its way";
const before = "checkpoint(), before any signal";
const tiles = "checkpoint() between tiles of 1,024";
/**
 * The loops of programs/kernels.ts. There is none with a generator: on JavaScriptCore two runs of
 * the same one differ by up to three times.
 */
export const kernels = [
  "count",
  "imul",
  "floats",
  "matmul",
  "sieve",
  "nbody",
  "rays",
  "sort",
  "strings",
  "maps",
  "bigints",
  "objects",
];
/** The peer that shows how far two measurements of the same loop differ. */
export const noise = "nothing (the noise)";

/**
 * Keyed by name: the way in programs/poll.ts, and the only runtime that has it, if there is one.
 */
const peers: Record<string, [way: string, only?: Runtime]> = {
  "Atomics.load": ["atomics"],
  // A task of the event loop sets it, and the event loop does not turn while the loop is busy.
  [blind]: ["abortSignal"],
  "performance.now() deadline": ["performanceNow"],
  "Date.now() deadline": ["dateNow"],
  "N-API call": ["napi"],
  "koffi call": ["koffi"],
  "Deno.dlopen call": ["deno", "deno"],
  "bun:ffi call": ["bun", "bun"],
  [noise]: ["nothing"],
};

/** What a poll costs a hot loop. */
export const question: Question = {
  letter: "c",
  title: "Poll",
  how:
    "How many times as long loops take with a poll in each innermost turn: geometric mean and worst of twelve, then each; " +
    "and what it adds to a turn of imul, a step of a linear congruential generator. Native calls load a flag.",
  columns: [
    { key: "mean", title: "mean", unit: "ratio" },
    { key: "worst", title: "worst", unit: "ratio" },
    { key: "imul ns", title: "added to imul", unit: "ns" },
    ...kernels.map((key) => ({ key, title: key, unit: "ratio" as const })),
  ],

  async contestants({ runtimes }) {
    await compile("flag.c", "flag.node", addonFlags);
    return runtimes.flatMap((runtime) => [
      contestant(runtime, ran, "checkpoint", true),
      contestant(runtime, waking, "checkpointWaking", true),
      contestant(runtime, before, "checkpointBefore", true),
      contestant(runtime, tiles, "tiles", true),
      ...runtime === "node" ? otherNodes.map(onNode) : [],
      ...Object.entries(peers)
        .filter(([, [, only]]) => only === undefined || only === runtime)
        .map(([name, [way]]) => contestant(runtime, name, way, false)),
    ]);
  },

  targets: (results) => [
    verdict(
      "geometric mean under 1.2",
      (runtime) => highest(results, runtime, "mean"),
      "ratio",
      (ratio) => ratio < 1.2,
    ),
    verdict(
      "worst under 2",
      (runtime) => highest(results, runtime, "worst"),
      "ratio",
      (ratio) => ratio < 2,
    ),
    verdict(
      "between tiles, worst under 1.1",
      (runtime) => ours(results, runtime, "worst", tiles),
      "ratio",
      (ratio) => ratio < 1.1,
    ),
    cheaper("at least 5 x cheaper than every safe peer", 5, results),
  ],
};

function contestant(
  runtime: Runtime,
  name: string,
  way: string,
  isOurs: boolean,
): Contestant {
  return {
    name,
    runtime,
    ours: isOurs,
    run: () => sample(runtime, "poll.ts", way),
  };
}

/** Every version is another compiler. */
const otherNodes = nodeVersions.filter((major) => major !== nodeMajor);

function onNode(major: string): Contestant {
  const name = `checkpoint(), Node ${major}`;
  const run = async () => {
    const [, ...program] = await commandFor("node", "poll.ts");
    return sampleOf([await node(major), ...program, "checkpoint"]);
  };
  return { name, runtime: "node", ours: true, run };
}

/** The runtime provides the N-API symbols. */
const addonFlags = [
  "-shared",
  "-fPIC",
  ...Deno.build.os === "darwin" ? ["-Wl,-undefined,dynamic_lookup"] : [],
];

function cheaper(text: string, factor: number, results: Results) {
  const nearest = (["deno", "bun", "node"] as const).flatMap((runtime) => {
    const ourNs = highest(results, runtime, "imul ns");
    const rivals = results.peers(runtime)
      .filter(({ contestant: { name } }) => name !== blind && name !== noise)
      .filter((peer) => peer.samples.length > 0)
      .map((peer) => ({
        name: peer.contestant.name,
        runtime,
        // The added time may be zero, or by chance negative. The noise is then the upper bound.
        ratio: peer.median("imul ns") / Math.max(ourNs, spread(results, runtime)),
      }));
    rivals.sort((a, b) => a.ratio - b.ratio);
    return Number.isNaN(ourNs) ? [] : rivals.slice(0, 1);
  });
  return {
    text,
    measured: nearest.map(({ name, runtime, ratio }) =>
      `${format(ratio, "ratio")} (${runtime}: ${name})`
    ).join(", "),
    met: nearest.length < 3 ? undefined : nearest.every(({ ratio }) => ratio >= factor),
  };
}

/** Before or while the wake is on its way, on any version, whichever is more. */
function highest(results: Results, runtime: Runtime, key: string): number {
  const names = [ran, waking];
  if (runtime === "node") names.push(...otherNodes.map((major) => onNode(major).name));
  return Math.max(...names.map((name) => ours(results, runtime, key, name)));
}

/** By how much two measurements of the same loop usually differ. */
function spread(results: Results, runtime: Runtime): number {
  const nothing = results.peers(runtime)
    .find(({ contestant }) => contestant.name === noise);
  return nothing === undefined ? NaN : Math.max(
    ...[0.25, 0.75].map((q) => Math.abs(nothing.quantile("imul ns", q))),
  );
}
