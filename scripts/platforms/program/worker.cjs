const { Interrupt } = require("async-interrupt");
const { parentPort, workerData } = require("node:worker_threads");

parentPort.on("message", () => {
  if (!Interrupt.signal(workerData, 7)) throw new Error("another copy of the library");
});
parentPort.postMessage("ready");
