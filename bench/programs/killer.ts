/**
 * `killer.ts <pid>`: sends SIGUSR2 every 20 to 40 ms until it is killed itself, and prints before
 * each the time by the monotonic clock.
 */

import { writeSync } from "node:fs";
import process from "node:process";
import { kit } from "./benchkit.ts";

const pid = Number(process.argv[2]);
const pause = new Int32Array(new SharedArrayBuffer(4));
while (true) {
  Atomics.wait(pause, 0, 0, 20 + 20 * Math.random());
  writeSync(1, `${kit.now_ns()}\n`);
  process.kill(pid, "SIGUSR2");
}
