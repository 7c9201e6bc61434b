import { floor } from "../native/floor.ts";
import type { Contestant, Question, Result, Runtime, Sample } from "../lib/question.ts";
import { commandFor } from "../lib/runtimes.ts";
import { verdict } from "./verdict.ts";

/** Names of ways in listen.ts. */
const ways: {
  way: string;
  name: string;
  ours?: boolean;
  runtimes: Runtime[];
}[] = [
  {
    way: "interrupt",
    name: "Interrupt",
    ours: true,
    runtimes: ["deno", "bun", "node"],
  },
  { way: "process", name: "process.on", runtimes: ["deno", "bun", "node"] },
  { way: "deno", name: "Deno.addSignalListener", runtimes: ["deno"] },
];

const SIGUSR2 = 12;
const warmUp = 200;
const signals = { near: 1000, far: 500 };
const pause = 1000;

/**
 * Lets all contestants sleep side by side and signals them in turn, so that the state of the
 * machine is the same for all.
 */
class SideBySide {
  readonly #commands = new Map<string, string[]>();
  #samples = new Map<string, Promise<Sample>>();

  add(name: string, command: string[]): void {
    this.#commands.set(name, command);
  }

  /** The sample of the last run; if it was already taken, of a new run. */
  async take(name: string): Promise<Sample> {
    if (!this.#samples.has(name)) await this.#run();
    const sample = this.#samples.get(name)!;
    this.#samples.delete(name);
    return await sample;
  }

  async #run(): Promise<void> {
    const sleepers = [...this.#commands].map(([name, command]) => ({
      name,
      sleeper: new Sleeper(command),
    }));
    await Promise.all(sleepers.map(({ sleeper }) => sleeper.ready));
    // Shortly after their start they still compile code and collect garbage.
    await new Promise((resolve) => setTimeout(resolve, 300));
    const pids = sleepers.map(({ sleeper }) => sleeper.pid);
    const near = await send("near", warmUp + signals.near, pids);
    const far = await send("far", signals.far, pids);
    this.#samples = new Map(
      sleepers.map(({ name, sleeper }, i) => {
        const times = sleeper.end();
        const sample = times.then((times) => ({
          near: latencies(near[i]!, times).slice(warmUp),
          far: latencies(far[i]!, times),
        }));
        // The error goes to the caller of take(), so it must not count as unhandled here.
        sample.catch(() => {});
        return [name, sample];
      }),
    );
    await Promise.allSettled(this.#samples.values());
  }
}

/** A process with an idle loop: idle.ts or floor.c. */
class Sleeper {
  readonly pid: number;
  /**
   * Resolves when the process has printed something. Never rejects: end() reports why it failed.
   */
  readonly ready: Promise<void>;
  readonly #child: Deno.ChildProcess;
  readonly #output: Promise<string>;

  constructor([command, ...args]: string[]) {
    const child = new Deno.Command(command!, {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#child = child;
    this.pid = child.pid;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ready = promise;
    this.#output = (async () => {
      let output = "";
      for await (
        const chunk of child.stdout.pipeThrough(new TextDecoderStream())
      ) {
        output += chunk;
        resolve();
      }
      resolve();
      return output;
    })();
  }

  /** Ends the process. Resolves with the times at which it handled its signals. */
  async end(): Promise<number[]> {
    await this.#child.stdin.close();
    const output = await this.#output;
    const last = output.trimEnd().split("\n").at(-1)!;
    if (!last.startsWith("{")) throw new Error(`It printed "${output}"`);
    return JSON.parse(last).times;
  }
}

/** Signals the processes. Resolves with the times at which each of them was signalled. */
async function send(
  place: string,
  count: number,
  pids: number[],
): Promise<number[][]> {
  const args = [place, count, pause, SIGUSR2, ...pids].map(String);
  // Not detached: in a session of its own, the sender would get the same share from Linux's
  // autogroup scheduling as the processes that it wakes.
  const { success, stdout } = await new Deno.Command(await floor(), {
    args: ["send", ...args],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("The sender failed");
  return new TextDecoder().decode(stdout).trimEnd().split("\n").map((line) =>
    line.trim().split(" ").map(Number)
  );
}

/**
 * The latency of each callback, from the first signal that it answers. Signals that arrive before
 * that callback runs coalesce.
 */
function latencies(sent: number[], times: number[]): number[] {
  const result: number[] = [];
  let next = 0;
  for (const time of times) {
    const first = next;
    while (next < sent.length && sent[next]! <= time) next++;
    if (next > first) result.push((time - sent[first]!) / 1000);
  }
  return result;
}

const builtIn: Partial<Record<Runtime, string>> = {
  deno: "Deno.addSignalListener",
  bun: "process.on",
  node: "process.on",
};

const places = [
  { key: "far", text: "from another processor" },
  { key: "near", text: "from the same processor" },
];

export const question: Question = {
  letter: "d",
  title: "Idle event loop",
  how:
    "All processes sleep side by side while another one sends SIGUSR2 to them in turn, twenty at a time, 1 ms apart. Measured is the time from " +
    "just before kill(2) until the callback runs. From another processor it includes the wake-up of a sleeping processor, " +
    "for which the kernel (and a hypervisor) takes the same time in all cases; from the same processor it is mostly software.",
  columns: [
    { key: "far", title: "from another processor", unit: "µs" },
    { key: "near", title: "from the same processor", unit: "µs" },
  ],

  async contestants({ runtimes }) {
    const together = new SideBySide();
    const contestants: Contestant[] = [];
    const add = (
      name: string,
      runtime: Runtime,
      ours: boolean,
      command: string[],
    ) => {
      const key = `${name} ${runtime}`;
      together.add(key, command);
      contestants.push({ name, runtime, ours, run: () => together.take(key) });
    };
    for (const runtime of runtimes) {
      const command = await commandFor(runtime, "idle.ts");
      for (const { way, name, ours = false, runtimes } of ways) {
        if (!runtimes.includes(runtime)) continue;
        add(name, runtime, ours, [...command, way]);
      }
    }
    add("C: handler, eventfd, epoll", "native", false, [
      await floor(),
      "idle",
    ]);
    return contestants;
  },

  targets(results) {
    const p50 = (result: Result | undefined, key: string) => result?.median(key) ?? NaN;
    return places.flatMap(({ key, text }) => {
      const toBuiltIn = (runtime: Runtime) => {
        const peer = results.peers(runtime).find(({ contestant: { name } }) =>
          name === builtIn[runtime]
        );
        return p50(results.ours(runtime), key) / p50(peer, key);
      };
      const toFloor = (runtime: Runtime) =>
        p50(results.ours(runtime), key) / p50(results.peers("native")[0], key);
      return [
        verdict(
          `${text}: p50 at most 1.1 x the built-in's`,
          toBuiltIn,
          "ratio",
          (ratio) => ratio <= 1.1,
          ["bun", "node"],
        ),
        verdict(
          `${text}: p50 at most 0.7 x the built-in's`,
          toBuiltIn,
          "ratio",
          (ratio) => ratio <= 0.7,
          ["deno"],
        ),
        verdict(
          `${text}: p50 within 1.6 x of C`,
          toFloor,
          "ratio",
          (ratio) => ratio <= 1.6,
        ),
      ];
    });
  },
};
