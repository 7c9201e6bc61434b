/**
 * Prints whether SIGUSR2 is ignored. Then makes `signalHysteresis` ignore it, and holds the
 * callback back, so that it stays ignored.
 */

const { readFileSync } = require("node:fs");
const process = require("node:process");
const { Interrupt } = require("async-interrupt");

const SIGUSR2 = 12n;
const status = readFileSync("/proc/self/status", "utf8");
const ignored = BigInt(`0x${status.match(/^SigIgn:\s*(\w+)/m)[1]}`);
const interrupt = new Interrupt({ signal: "SIGUSR2", signalHysteresis: true });
interrupt.block();
process.kill(process.pid, "SIGUSR2");
console.log((ignored >> (SIGUSR2 - 1n)) & 1n ? "ignored" : "not ignored");
setInterval(() => {}, 1e9);
