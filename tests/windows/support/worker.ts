import { Worker } from "node:worker_threads";
import type { InterruptOptions, NativeFunction } from "../../../mod.ts";

/** A Worker that has an Interrupt, whose values it posts. */
export interface Opened {
  readonly target: NativeFunction;
  /** The next value. */
  next(): Promise<number>;
  post(order: string): void;
  terminate(): Promise<unknown>;
}

/** Resolves when the Worker's Interrupt is open. */
export async function openWorker(options: InterruptOptions): Promise<Opened> {
  const worker = new Worker(new URL("../programs/worker.ts", import.meta.url), {
    workerData: options,
  });
  const values: unknown[] = [];
  const waiting: ((value: unknown) => void)[] = [];
  worker.on("message", (value) => {
    const resolve = waiting.shift();
    if (resolve) resolve(value);
    else values.push(value);
  });
  const next = () =>
    new Promise<unknown>((resolve, reject) => {
      if (values.length > 0) resolve(values.shift());
      else waiting.push(resolve);
      worker.once("error", reject);
    });
  return {
    target: await next() as NativeFunction,
    next: next as () => Promise<number>,
    post: (order) => worker.postMessage(order),
    terminate: () => worker.terminate(),
  };
}
