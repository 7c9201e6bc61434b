import { floor } from "../native/floor.ts";
import type { Contestant, Question, Results, Runtime, Sample } from "../lib/question.ts";
import { commandFor, sampleOf } from "../lib/runtimes.ts";
import { verdict } from "./verdict.ts";

const kills = 200_000;
const [SIGTERM, SIGUSR2, SIGWINCH] = [15, 12, 28];

/** Names of ways in listen.ts. */
const ways: { way: string; name: string; ours: boolean; only?: Runtime }[] = [
  { way: "interrupt", name: "Interrupt", ours: true },
  { way: "hysteresis", name: "Interrupt, signalHysteresis", ours: true },
  { way: "process", name: "process.on", ours: false },
  {
    way: "deno",
    name: "Deno.addSignalListener",
    ours: false,
    only: "deno",
  },
];

/** One flood on an idle loop, and one while the loop is blocked. A single SIGTERM ends each. */
async function floods(command: string[]): Promise<Sample> {
  const flood = async (loop: string) =>
    await sampleOf([
      ...command,
      loop,
      [SIGUSR2, SIGWINCH, SIGTERM].join(),
      ...[await floor(), "flood", "PID"],
      ...[kills, SIGTERM, SIGUSR2, SIGWINCH].map(String),
    ]) as { lost: number; cpu: number };
  const free = await flood("free");
  const blocked = await flood("blocked");
  return { ...free, lostBlocked: blocked.lost, cpuBlocked: blocked.cpu };
}

/** Our CPU time relative to the cheapest built-in. */
function cpuToBuiltIn(results: Results, runtime: Runtime): number {
  const peers = results.peers(runtime).map((peer) => peer.median("cpu"))
    .filter((cpu) => !Number.isNaN(cpu));
  return (results.ours(runtime, "Interrupt")?.median("cpu") ?? NaN) /
    Math.min(...peers);
}

export const question: Question = {
  letter: "e",
  title: "Flood",
  how:
    `Another process sends ${kills} SIGUSR2 and SIGWINCH in turn, as fast as it can, and then one SIGTERM: first to an idle ` +
    "loop, then to a loop that is blocked meanwhile. A signal, of these three, is lost if no callback follows its last arrival.",
  columns: [
    { key: "cpu", title: "CPU time", unit: "ms" },
    { key: "callbacks", title: "callbacks", unit: "" },
    { key: "lost", title: "lost", unit: "" },
    { key: "cpuBlocked", title: "CPU time, loop blocked", unit: "ms" },
    { key: "lostBlocked", title: "lost, loop blocked", unit: "" },
  ],

  async contestants({ runtimes }) {
    const contestants: Contestant[] = [];
    for (const runtime of runtimes) {
      const command = await commandFor(runtime, "flood.ts");
      for (const { way, name, ours, only } of ways) {
        if (only !== undefined && only !== runtime) continue;
        const run = () => floods([...command, way]);
        contestants.push({ name, runtime, ours, run });
      }
    }
    const native = [await floor(), "flooded"];
    contestants.push({
      name: "C: handler, eventfd, epoll",
      runtime: "native",
      ours: false,
      run: () => floods(native),
    });
    return contestants;
  },

  targets: (results) => [
    verdict(
      "0 lost",
      (runtime) => {
        const figures = results.all.filter(({ contestant }) =>
          contestant.ours && contestant.runtime === runtime
        ).flatMap((result) => [
          result.quantile("lost", 1),
          result.quantile("lostBlocked", 1),
        ]);
        return Math.max(...figures);
      },
      "",
      (lost) => lost === 0,
    ),
    verdict(
      "at most half the CPU time of the built-in",
      (runtime) => cpuToBuiltIn(results, runtime),
      "ratio",
      (ratio) => ratio <= 0.5,
    ),
  ],
};
