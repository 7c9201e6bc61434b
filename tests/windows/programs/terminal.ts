/** Ctrl-C on a terminal: first while JavaScript computes, then while the event loop waits. */

import process from "node:process";
import { checkpoint, Interrupt } from "../../../mod.ts";

let heard = 0;
const interrupt = new Interrupt({ signal: "SIGINT", callback: () => heard++ });
console.log("busy");
while (heard === 0) checkpoint();
const next = interrupt.wait();
console.log("idle");
await next;
console.log("done");
process.exit(0);
