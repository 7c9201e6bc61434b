/**
 * Hears a signal and then has nothing more to do. The argument says what happens to the Interrupt.
 */

import process from "node:process";
import { Interrupt } from "../../mod.ts";

const way = process.argv[2];
const interrupt = new Interrupt({ signal: "SIGUSR2" });
const heard = interrupt.wait();
process.kill(process.pid, "SIGUSR2");
await heard;
if (way === "closed") interrupt.close();
if (way === "exit") process.exit();
