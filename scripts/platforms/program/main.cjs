// Uses the installed package: a Worker and a native pipe interrupt, and then Ctrl-C.

const { checkpoint, EventPipe, Interrupt } = require("async-interrupt");
const { Worker } = require("node:worker_threads");

const pipe = new EventPipe();
let value = 0;
const interrupt = new Interrupt({ pipe, callback: (heard) => value = heard });
const worker = new Worker("./worker.cjs", { workerData: interrupt.signalFunc() });
worker.on("error", (error) => {
  throw error;
});
worker.once("message", () => {
  console.log("Worker starts");
  worker.postMessage("signal");
  while (value !== 7) checkpoint();
  console.log("a Worker interrupts a busy loop");

  value = 0;
  worker.postMessage("signal");
  if (!pipe.wait()) throw new Error("the pipe is not readable");
  // The pipe is written before the checkpoint can see it.
  while (value !== 7) checkpoint();
  if (pipe.wait(0)) throw new Error("the pipe was not drained");
  console.log("EventPipe is readable until the callback");
  interrupt.close();

  const next = new Interrupt({ signal: "SIGINT", callback: (signal) => value = signal });
  console.log("press Ctrl-C");
  while (value !== 2) checkpoint();
  console.log("Ctrl-C interrupts a busy loop");
  next.close();
  worker.terminate().then(() => console.log("ends by itself"));
});
