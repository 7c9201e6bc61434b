/**
 * Hooks the signal that its argument names, and closes the Interrupt after the first signal. Then
 * it waits for the second signal, which shows whether the signal has its old effect again.
 */

import process from "node:process";
import { Interrupt, sig2num } from "../../mod.ts";
import { testkit } from "../support/testkit.ts";

const signal = process.argv[2]!;
const number = sig2num(signal)!;

testkit.disposition_save(number, 0);
const handler = testkit.disposition_word(number, 0);
console.log(["default", "ignored"][Number(handler)] ?? "handled");
const interrupt = new Interrupt({ signal });
const heard = interrupt.wait();
// Not earlier: with the first listener for any signal Deno also handles INT, TERM and HUP. WINCH
// has a higher number than these, so Deno's signal thread comes to it last.
process.on("SIGWINCH", () => {
  console.log("alive");
  process.exit();
});
setInterval(() => {}, 1e9);
console.log("open");
await heard;
interrupt.close();
const isSame = testkit.disposition_same(number, 0) === 1;
console.log(isSame ? "the same" : "another");
