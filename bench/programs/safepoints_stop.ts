/**
 * `safepoints_stop.ts <way>`: how late a program from npm is stopped in the middle of its work.
 *
 * - interrupt: with safepoints, from kill(2) in another process to what is thrown;
 * - functionTimeout: as it is, from the deadline to what is thrown;
 * - worker: as it is, in a Worker, from terminate() to its end.
 */

import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { finish, kit } from "./benchkit.ts";
import { works } from "./works.ts";

const milliseconds = (from: number, to: number) => (to - from) / 1e6;
const now = () => Number(kit.now_ns());

/** The first ones compile what the others need. */
const warmUp = 10;

function endless(work: () => unknown): () => void {
  return () => {
    while (true) work();
  };
}

const plain = (source: string) => source;

const ways: Record<string, () => Promise<number[]>> = {
  async interrupt() {
    const { Interrupt } = await import("../../mod.ts");
    const { withSafepoints } = await import("./safepoints.ts");
    // Not TypeScript: it shares what it has bound, and fails later if it is stopped inside of that.
    const run = endless(works.acorn!((source) => withSafepoints(source, false)));
    const caught: number[] = [];
    const count = 110;
    // It stands in a file beside this one, also where this was compiled to JavaScript.
    const killer = fileURLToPath(new URL(`killer${import.meta.url.slice(-3)}`, import.meta.url));
    const stop = new Error("stop");
    const callback = () => {
      throw stop;
    };
    const interrupt = new Interrupt({ signal: "SIGUSR2", rethrow: true, callback });
    const child = spawn(process.execPath, [...runtimeOptions(), killer, `${process.pid}`], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    while (caught.length < count) {
      try {
        run();
      } catch (error) {
        if (error !== stop) throw error;
        caught.push(now());
      }
    }
    child.kill("SIGKILL");
    interrupt.close();
    let output = "";
    for await (const chunk of child.stdout) output += chunk;
    const sent = output.trim().split("\n").map(Number);
    // Two that arrive together are one: it counts from the first.
    return caught.map((time, index) => {
      const first = sent.find((sent) => sent > (caught[index - 1] ?? 0));
      return milliseconds(first!, time);
    });
  },
  async functionTimeout() {
    const path = createRequire(process.env.BENCH_PEERS!).resolve("function-timeout");
    const { default: functionTimeout } = await import(pathToFileURL(path).href);
    const timeout = 30;
    const run = functionTimeout(endless(works.acorn!(plain)), { timeout });
    const late: number[] = [];
    for (let i = 0; i < 60; i++) {
      const start = now();
      try {
        run();
      } catch {
        late.push(Math.max(0.001, milliseconds(start, now()) - timeout));
      }
    }
    return late;
  },
  async worker() {
    const late: number[] = [];
    for (let i = 0; i < 18; i++) {
      const worker = new Worker(new URL(import.meta.url));
      await new Promise((resolve) => worker.once("message", resolve));
      // It is in the middle of its work then.
      await new Promise((resolve) => setTimeout(resolve, 100));
      const start = now();
      await worker.terminate();
      late.push(milliseconds(start, now()));
    }
    return late;
  },
};

/** What Deno needs before the name of a program. */
function runtimeOptions(): string[] {
  return process.versions.deno ? ["run", "-A", "--no-check", "--no-config"] : [];
}

if (isMainThread) finish({ late: (await ways[process.argv[2]!]!()).slice(warmUp) });
else {
  const run = endless(works.acorn!(plain));
  parentPort!.postMessage("ready");
  run();
}
