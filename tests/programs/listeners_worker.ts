/** The Interrupts of listeners.ts, in a Worker. */

import { parentPort, workerData } from "node:worker_threads";
import { Interrupt } from "../../mod.ts";

const open = new Map<string, Interrupt>();
const signal = /^\d+$/.test(workerData) ? Number(workerData) : workerData;
parentPort!.on("message", (message: { open?: string; close?: string }) => {
  try {
    if (message.open !== undefined) {
      const heard = message.open;
      const callback = () => parentPort!.postMessage({ heard });
      open.set(heard, new Interrupt({ signal, callback }));
    } else {
      open.get(message.close!)!.close();
    }
    parentPort!.postMessage({});
  } catch (error) {
    parentPort!.postMessage({ failed: String(error) });
  }
});
