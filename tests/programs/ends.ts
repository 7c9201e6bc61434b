/** Hears a signal, and has nothing more to do then. The argument: what becomes of the Interrupt. */

import process from "node:process";
import { Interrupt } from "../../mod.ts";

const way = process.argv[2];
const interrupt = new Interrupt({ signal: "SIGUSR2" });
const heard = interrupt.wait();
process.kill(process.pid, "SIGUSR2");
await heard;
if (way === "closed") interrupt.close();
if (way === "exit") process.exit();
