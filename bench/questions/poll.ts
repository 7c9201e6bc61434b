import { format } from "../lib/format.ts";
import { compile } from "../native/compile.ts";
import type { Contestant, Question, Results, Runtime } from "../lib/question.ts";
import { sample } from "../lib/runtimes.ts";
import { ours, verdict } from "./verdict.ts";

const blind = "AbortSignal.aborted (never sees it)";
const idle = "checkpoint()";
/**
 * The signal is handled, and the event loop has not turned since: a busy loop is in this state most
 * of the time.
 */
const signalled = "checkpoint(), after a signal";
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
    "What a poll adds to a turn of a hot loop: the loop with it minus the same loop without. The body is a step of a " +
    "linear congruential generator, about 1 ns; the emptiest loop only adds. Native calls load a flag.",
  columns: [
    { key: "lcg", title: "added to a turn", unit: "ns" },
    { key: "empty", title: "to the emptiest loop", unit: "ns" },
  ],

  async contestants({ runtimes }) {
    await compile("flag.c", "flag.node", addonFlags);
    return runtimes.flatMap((runtime) => [
      contestant(runtime, idle, "checkpoint", true),
      contestant(runtime, signalled, "checkpointAfterSignal", true),
      ...Object.entries(peers)
        .filter(([, [, only]]) => only === undefined || only === runtime)
        .map(([name, [way]]) => contestant(runtime, name, way, false)),
    ]);
  },

  targets: (results) => [
    verdict(
      "V8 within 0.2 ns of the bare loop",
      (runtime) => added(results, runtime),
      "ns",
      (ns) => ns <= 0.2,
      ["deno", "node"],
    ),
    verdict(
      "JavaScriptCore within 0.6 ns",
      (runtime) => added(results, runtime),
      "ns",
      (ns) => ns <= 0.6,
      ["bun"],
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

/** The runtime provides the N-API symbols. */
const addonFlags = [
  "-shared",
  "-fPIC",
  ...Deno.build.os === "darwin" ? ["-Wl,-undefined,dynamic_lookup"] : [],
];

function cheaper(text: string, factor: number, results: Results) {
  const nearest = (["deno", "bun", "node"] as const).flatMap((runtime) => {
    const ourNs = added(results, runtime);
    const rivals = results.peers(runtime)
      .filter(({ contestant: { name } }) => name !== blind && name !== noise)
      .filter((peer) => peer.samples.length > 0)
      .map((peer) => ({
        name: peer.contestant.name,
        runtime,
        // The added time may be zero, or by chance negative. The noise is then the upper bound.
        ratio: peer.median("lcg") / Math.max(ourNs, spread(results, runtime)),
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

/** What checkpoint() adds to a turn, before or after a signal, whichever is more. */
function added(results: Results, runtime: Runtime): number {
  return Math.max(
    ...[idle, signalled].map((name) => ours(results, runtime, "lcg", name)),
  );
}

/** By how much two measurements of the same loop usually differ. */
function spread(results: Results, runtime: Runtime): number {
  const nothing = results.peers(runtime)
    .find(({ contestant }) => contestant.name === noise);
  return nothing === undefined ? NaN : Math.max(
    ...[0.25, 0.75].map((q) => Math.abs(nothing.quantile("lcg", q))),
  );
}
