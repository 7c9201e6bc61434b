/**
 * `idle.ts <way>`: an idle loop that prints, at the end of stdin, when it handled each SIGUSR2.
 * floor.c does the same in C.
 */

import process from "node:process";
import { testkit } from "../../tests/support/testkit.ts";
import { ways } from "./listen.ts";

const times = new Float64Array(65536);
let calls = 0;
await ways[process.argv[2]!]!("SIGUSR2", () => {
  times[calls++ % times.length] = Number(testkit.now_ns());
});

// Reading stdin keeps the process alive without turning the loop.
process.stdin.on("end", () => {
  console.log(JSON.stringify({ times: [...times.subarray(0, calls)] }));
  process.exit();
});
process.stdin.resume();
console.log("ready");
