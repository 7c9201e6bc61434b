/**
 * A program that idles, then runs code in `vm` that Ctrl-C may interrupt, and afterwards hears
 * SIGINT by an Interrupt.
 */

import { spawn } from "node:child_process";
import process from "node:process";
import { runInThisContext } from "node:vm";
import { Interrupt } from "../../mod.ts";

const interrupt = new Interrupt({ signal: "SIGINT" });

await new Promise((resolve) => setTimeout(resolve, 2000));
for (let round = 0; round < 3; round++) {
  runInThisContext("1 + 1", { breakOnSigint: true });
  // wait() keeps the process alive: on a loaded machine the other process may end before the thread
  // that takes the signal runs.
  const heard = interrupt.wait();
  spawn("kill", ["-INT", `${process.pid}`]);
  await heard;
}
console.log("heard");
process.exit(0);
