import { parentPort, workerData } from "node:worker_threads";
import { checkpoint, Interrupt } from "../../../mod.ts";

let last = 0;
const interrupt = new Interrupt({
  ...workerData,
  callback(value) {
    last = value;
    parentPort!.postMessage(value);
  },
});
interrupt.ref();
parentPort!.on("message", (order) => {
  if (order !== "crunch") return;
  parentPort!.postMessage("crunching");
  last = 0;
  while (last === 0) checkpoint();
});
parentPort!.postMessage(interrupt.signalFunc());
