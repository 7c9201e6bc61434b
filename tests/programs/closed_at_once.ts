/**
 * A program as users write it: an Interrupt hears its signal in the middle of a computation, and is
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
// Two that come one after the other, of which Deno's thread may have handled the first only.
for (let round = 0; round < 50; round++) {
  using interrupt = new Interrupt({ signal: "SIGUSR2" });
  process.kill(process.pid, "SIGUSR2");
  checkpoint();
  const next = interrupt.wait();
  process.kill(process.pid, "SIGUSR2");
  await next;
}
// One that hears nothing changes nothing.
new Interrupt({ signal: "SIGUSR2" }).close();
console.log("alive");
// The loop turns, with nothing that listens any more: the signal does what it did before.
setInterval(() => process.kill(process.pid, "SIGUSR2"), 100);
