/**
 * Opens more Interrupts on one signal than an EventEmitter accepts listeners without a warning, and
 * ends with one of them open.
 */

import process from "node:process";
import { Interrupt } from "../../mod.ts";

const signal = "SIGUSR2";
const count = () => console.log(process.listenerCount(signal));

count();
const many = Array.from({ length: 11 }, () => new Interrupt({ signal }));
count();
for (const interrupt of many) interrupt.close();
count();
new Interrupt({ signal });
