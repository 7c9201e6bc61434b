/**
 * A program as users write it: an Interrupt hears its signal in the middle of a computation and is
 * closed at once.
 */

import process from "node:process";
import { checkpoint, Interrupt } from "../../mod.ts";

for (let round = 0; round < 50; round++) {
  let heard = false;
  using _interrupt = new Interrupt({
    signal: "SIGUSR2",
    callback: () => heard = true,
  });
  process.kill(process.pid, "SIGUSR2");
  while (!heard) checkpoint();
}
// Two signals in a row, of which Deno's signal thread may have handled only the first.
for (let round = 0; round < 50; round++) {
  using interrupt = new Interrupt({ signal: "SIGUSR2" });
  process.kill(process.pid, "SIGUSR2");
  checkpoint();
  const next = interrupt.wait();
  process.kill(process.pid, "SIGUSR2");
  await next;
}
// An Interrupt that hears nothing has no effect.
new Interrupt({ signal: "SIGUSR2" }).close();
console.log("alive");
// The event loop turns, and nothing listens any more, so the signal has its old effect.
setInterval(() => process.kill(process.pid, "SIGUSR2"), 100);
