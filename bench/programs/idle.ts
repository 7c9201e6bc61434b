/**
 * `idle.ts <way>`: an idle loop that, at the end of stdin, prints when SIGUSR2 was handled (floor.c
 * has the same).
 */

import process from "node:process";
import { testkit } from "../../tests/support/testkit.ts";
import { ways } from "./listen.ts";

const times = new Float64Array(65536);
let calls = 0;
await ways[process.argv[2]!]!("SIGUSR2", () => {
  times[calls++ % times.length] = Number(testkit.now_ns());
});

// Keeps the process alive and does not turn the loop.
process.stdin.on("end", () => {
  console.log(JSON.stringify({ times: [...times.subarray(0, calls)] }));
  process.exit();
});
process.stdin.resume();
console.log("ready");
