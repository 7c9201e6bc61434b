/**
 * A program that idles, runs code of `vm` that Ctrl-C may break, and hears SIGINT by an Interrupt
 * afterwards.
 */

import { spawn } from "node:child_process";
import process from "node:process";
import { runInThisContext } from "node:vm";
import { Interrupt } from "../../mod.ts";

let heard = () => {};
new Interrupt({ signal: "SIGINT", callback: () => heard() });

function interrupted(): Promise<void> {
  spawn("kill", ["-INT", `${process.pid}`]);
  return new Promise((resolve) => heard = resolve);
}

await new Promise((resolve) => setTimeout(resolve, 2000));
for (let round = 0; round < 3; round++) {
  runInThisContext("1 + 1", { breakOnSigint: true });
  await interrupted();
}
console.log("heard");
process.exit(0);
