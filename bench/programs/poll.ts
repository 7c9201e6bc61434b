/**
 * `poll.ts <way>`: how many ns a poll adds to one turn of a hot loop. Loops with and without the
 * poll alternate in one process.
 */

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import process from "node:process";

const { measure } = await import(
  pathToFileURL(createRequire(peers()).resolve("mitata")).href
);

/** The source text of a poll, and the values that its names stand for. */
type Poll = [text: string, values: Record<string, unknown>];
type Loop = () => number;

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

// Many short calls instead of one long call: V8 may keep a loop that it replaces on the stack (OSR)
// in a slow tier for good.
const turns = 2000;

const bodies = {
  lcg: "s = (Math.imul(s, 1103515245) + t) | 0;",
  empty: "s = (s + t) | 0;",
};

/**
 * Each loop has its own source text. V8 shares type feedback between functions of equal text, and
 * would then inline none of their calls.
 */
function loop(name: string, body: string, [poll, values]: Poll): Loop {
  const text = `return function ${name}() {
    let s = 1;
    for (let t = 0; t < ${turns}; t++) { ${poll} ${body} }
    return s;
  }`;
  return new Function("stop", ...Object.keys(values), text)(
    stop,
    ...Object.values(values),
  );
}

/** Assertions that run before and after each measurement. */
let [before, after] = [() => {}, () => {}];

async function polling(way: string): Promise<Record<string, Loop>> {
  if (way.startsWith("checkpoint")) {
    const loops = await import("./checkpoint_loops.ts");
    if (way === "checkpointAfterSignal") {
      [before, after] = [loops.signal, loops.expectWaking];
    }
    return { lcg: loops.lcg, empty: loops.empty };
  }
  const poll = await ways[way]!();
  return Object.fromEntries(
    Object.entries(bodies).map((
      [name, body],
    ) => [name, loop(name, body, poll)]),
  );
}

/** ns per turn: the fastest quarter, in which nothing else used the CPU. */
async function nanoseconds(loop: Loop): Promise<number> {
  const options = { batch_samples: 64, min_cpu_time: 10e6, gc: false };
  before();
  const { p25 } = await measure(loop, options);
  after();
  return p25 / turns;
}

/** The median of `one` minus `other`, measured alternately. */
async function difference(one: Loop, other: Loop): Promise<number> {
  // During the first run the loops are still being compiled.
  await nanoseconds(one);
  await nanoseconds(other);
  const differences: number[] = [];
  for (let i = 0; i < 5; i++) {
    differences.push(await nanoseconds(one) - await nanoseconds(other));
  }
  return differences.sort((a, b) => a - b)[2]!;
}

const loops = await polling(process.argv[2]!);
const figures: Record<string, number> = {};
for (const [name, body] of Object.entries(bodies)) {
  const bare = loop(`${name}_bare`, body, ["", {}]);
  figures[name] = await difference(loops[name]!, bare);
}
console.log(JSON.stringify(figures));
