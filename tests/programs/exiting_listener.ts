/**
 * A program as users write it: it idles for two seconds, and then a listener that was added after
 * the Interrupt ends the process at once.
 */

import process from "node:process";
import { Interrupt } from "../../mod.ts";

new Interrupt({ signal: "SIGTERM", callback: () => console.log("heard") });
process.on("SIGTERM", () => process.exit(0));
setTimeout(() => {
  process.kill(process.pid, "SIGTERM");
  // Blocks for 100 ms, so that every thread that wakes the event loop has done so before it turns.
  for (const end = Date.now() + 100; Date.now() < end;);
}, 2000);
setInterval(() => {}, 1e9);
