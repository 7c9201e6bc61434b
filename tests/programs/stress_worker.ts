/** A Worker of stress.ts: signals the main thread in bursts until it is terminated. */

import { parentPort, workerData } from "node:worker_threads";
import { Interrupt, type NativeFunction } from "../../mod.ts";

/** What stress.ts gives. */
export interface Task {
  target: NativeFunction;
  /** int32: see below. */
  words: Int32Array;
}

/** The last value that was about to be signalled. */
export const BEGUN = 0;
/** The last value that was signalled. */
export const SENT = 1;
/** How often the callback ran in the Worker. */
export const CALLS = 2;

function work({ target, words }: Task) {
  const interrupt = new Interrupt({
    signal: "SIGUSR2",
    callback: () => Atomics.add(words, CALLS, 1),
  });
  parentPort!.postMessage(interrupt.signalFunc());
  let value = 0;
  const burst = () => {
    for (let i = 0; i < 1000; i++) {
      Atomics.store(words, BEGUN, ++value);
      Interrupt.signal(target, value);
      Atomics.store(words, SENT, value);
    }
    setTimeout(burst, 0);
  };
  burst();
}

// The main thread imports the numbers.
if (workerData?.target) work(workerData);
