/**
 * A program as users write it: it idles for two seconds, and a listener that came after the
 * Interrupt ends it at once.
 */

import process from "node:process";
import { Interrupt } from "../../mod.ts";

new Interrupt({ signal: "SIGTERM", callback: () => console.log("heard") });
process.on("SIGTERM", () => process.exit(0));
setTimeout(() => {
  process.kill(process.pid, "SIGTERM");
  // Whoever wakes the loop has done so before it turns.
  for (const end = Date.now() + 100; Date.now() < end;);
}, 2000);
setInterval(() => {}, 1e9);
