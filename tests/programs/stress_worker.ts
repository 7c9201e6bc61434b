/** A Worker of stress.ts that signals the main thread in bursts until it is terminated. */

import { parentPort, workerData } from "node:worker_threads";
import { Interrupt, type NativeFunction } from "../../mod.ts";

/** What stress.ts passes to the Worker. */
export interface Task {
  target: NativeFunction;
  /** int32 words; their indices follow. */
  words: Int32Array;
}

/** The value that the Worker was last about to signal. */
export const BEGUN = 0;
/** The value that the Worker last signalled. */
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

// The main thread imports this module for the constants.
if (workerData?.target) work(workerData);
