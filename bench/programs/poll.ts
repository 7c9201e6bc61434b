/**
 * `poll.ts <way>`: how many times as long loops of many shapes take with a poll in them. Each loop
 * and the same without the poll alternate in one process.
 */

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import process from "node:process";
import * as kernels from "./kernels.ts";
import * as moreKernels from "./more_kernels.ts";

const { measure } = await import(
  pathToFileURL(createRequire(peers()).resolve("mitata")).href
);

/** The source text of a poll, and the values that its names stand for. */
type Poll = [text: string, values: Record<string, unknown>];
type Loop = () => number;
type Loops = Record<string, Loop>;

const ways: Record<string, () => Poll | Promise<Poll>> = {
  // The same loop twice: shows how far two measurements of one loop differ.
  nothing: () => ["", {}],
  atomics() {
    const flag = new Int32Array(new SharedArrayBuffer(4));
    return ["if (Atomics.load(flag, 0) !== 0) stop();", { flag }];
  },
  abortSignal() {
    const { signal } = new AbortController();
    return ["if (signal.aborted) stop();", { signal }];
  },
  performanceNow: () => [
    "if (performance.now() > deadline) stop();",
    { deadline: performance.now() + 1e6 },
  ],
  dateNow: () => [
    "if (Date.now() > deadline) stop();",
    { deadline: Date.now() + 1e6 },
  ],
  napi() {
    const module: { exports: unknown } = { exports: {} };
    (process as unknown as { dlopen(module: object, file: string): void })
      .dlopen(module, library());
    return nativeCall(module.exports);
  },
  koffi() {
    const koffi = createRequire(peers())("koffi");
    return nativeCall(koffi.load(library()).func("int flag_load()"));
  },
  deno() {
    const { symbols } = Deno.dlopen(library(), {
      flag_load: { parameters: [], result: "i32" },
    });
    return nativeCall(symbols.flag_load);
  },
  async bun() {
    const module = "bun:ffi";
    const { dlopen } = await import(module);
    const { symbols } = dlopen(library(), {
      flag_load: { args: [], returns: "i32" },
    });
    return nativeCall(symbols.flag_load);
  },
};

function nativeCall(load: unknown): Poll {
  return ["if (load() !== 0) stop();", { load }];
}

function peers(): string {
  return process.env.BENCH_PEERS!;
}

function library(): string {
  return `${peers()}flag.node`;
}

function stop() {
  throw new Error("nobody stops it");
}

/**
 * The kernel with another poll in the place of its own. Each has its own source text: V8 shares
 * type feedback between functions of equal text.
 */
function withPoll(kernel: Loop, [poll, values]: Poll, tag: string): Loop {
  const text = String(kernel).replaceAll(/\bcheckpoint\(\);/g, poll).replace("(", `_${tag}(`);
  return new Function("stop", ...Object.keys(values), `return ${text}`)(
    stop,
    ...Object.values(values),
  );
}

/** How often the kernel polls. */
function turns(kernel: Loop): number {
  let turns = 0;
  withPoll(kernel, ["poll();", { poll: () => turns++ }], "turns")();
  return turns;
}

/** Called while a loop warms up, and after each measurement. */
let [arm, verify] = [() => {}, () => {}];

async function polling(way: string): Promise<Loops> {
  if (way.startsWith("safepoints")) {
    const { hasRun, signal } = await import("./signalled.ts");
    [arm, verify] = [signal, hasRun];
    const { withSafepoints } = await import("./safepoints.ts");
    return Object.fromEntries(
      Object.entries({ ...kernels, ...moreKernels }).map(([name, kernel]) => {
        const text = String(kernel).replaceAll(/\bcheckpoint\(\);/g, "");
        const code = withSafepoints(text, way === "safepointsFunctions");
        return [name, new Function(`return ${code}`)()];
      }),
    );
  }
  if (way === "tiles" || way.startsWith("checkpoint")) {
    const { expectWaking, hasRun, signal } = await import("./signalled.ts");
    if (way === "checkpointBefore") return { ...kernels };
    // The callback runs inside the loop: from then on compiled code has a call there.
    arm = signal;
    verify = way === "checkpointWaking" ? expectWaking : hasRun;
    return { ...way === "tiles" ? await import("./tiles.ts") : kernels };
  }
  const poll = await ways[way]!();
  return Object.fromEntries(
    Object.entries(kernels).map(([name, kernel]) => [name, withPoll(kernel, poll, "polled")]),
  );
}

/** ns per run: the fastest quarter, in which nothing else used the CPU. */
async function nanoseconds(loop: Loop): Promise<number> {
  const options = { batch_samples: 8, min_samples: 5, min_cpu_time: 8e6, gc: false };
  const { p25 } = await measure(loop, options);
  return p25;
}

/**
 * The time with the poll and the time without, measured alternately: of five such pairs the one
 * with the median ratio.
 */
async function compare(polled: Loop, bare: Loop): Promise<[number, number]> {
  if (polled() !== bare()) throw new Error("not the same loop");
  for (let i = 0; i < 3; i++) {
    arm();
    await nanoseconds(polled);
    verify();
    await nanoseconds(bare);
  }
  const pairs: [number, number][] = [];
  for (let i = 0; i < 5; i++) pairs.push([await nanoseconds(polled), await nanoseconds(bare)]);
  verify();
  return pairs.sort(([a, b], [c, d]) => a / b - c / d)[2]!;
}

const figures: Record<string, number> = {};
const ratios: number[] = [];
for (const [name, loop] of Object.entries(await polling(process.argv[2]!))) {
  const kernel = (name in kernels ? kernels as Loops : moreKernels as Loops)[name]!;
  const [polled, bare] = await compare(loop, withPoll(kernel, ["", {}], "bare"));
  ratios.push(figures[name] = polled / bare);
  figures[`${name} ns`] = (polled - bare) / turns(kernel);
}
figures.mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
figures.worst = Math.max(...ratios);
console.log(JSON.stringify(figures));
