/**
 * Several copies of the modules in one realm; the arguments are their URLs. Prints failures between
 * the copies, then "ready", and then the signals from another process.
 */

import process from "node:process";

type Modules = typeof import("../../mod.ts");

const copies: Modules[] = [];
for (const url of process.argv.slice(2)) copies.push(await import(url));

function check(what: string, holds: boolean) {
  if (!holds) console.log(what);
}

for (const one of copies) {
  for (const other of copies) {
    let calls = 0;
    const callback = () => calls++;
    using pipe = new other.EventPipe();
    using interrupt = new one.Interrupt({ callback, pipe });
    other.Interrupt.signal(interrupt.signalFunc(), 7);
    check("another copy's EventPipe is not signalled", pipe.wait(0));
    check("another copy's signal() does not reach it", interrupt.pending === 7);
    other.checkpoint();
    check("another copy's checkpoint() runs no callback", calls === 1);
    try {
      interrupt.unblock();
    } catch (error) {
      check(
        "another copy's InterruptError is not recognized",
        error instanceof other.InterruptError,
      );
    }
  }
}

const [first] = copies;
let heard: string[] = [];
const interrupts = copies.map((copy, index) =>
  new copy.Interrupt({
    signal: "SIGUSR2",
    callback: () => heard.push(`${index}`),
  })
);
console.log("ready");
// First with checkpoints of one copy, then without checkpoints.
while (heard.length < copies.length) first!.checkpoint();
console.log("busy", heard.sort().join());
heard = [];
await Promise.all(interrupts.map((interrupt) => interrupt.wait()));
console.log("idle", heard.sort().join());
for (const interrupt of interrupts) interrupt.close();
