/**
 * Hooks the signal of its argument, and closes the Interrupt when it has heard it. Then it waits
 * for the signal that tells whether the first one does again what it did before.
 */

import process from "node:process";
import { Interrupt, sig2num } from "../../mod.ts";
import { testkit } from "../support/testkit.ts";

const signal = process.argv[2]!;
const number = sig2num(signal)!;

testkit.disposition_save(number, 0);
const isIgnored = testkit.disposition_word(number, 0) === 1n;
console.log(isIgnored ? "ignored" : "not ignored");
const interrupt = new Interrupt({ signal });
const heard = interrupt.wait();
// Now: with the first listener for any signal Deno takes INT, TERM and HUP over. The number is
// higher than the others', so that Deno's thread for signals comes to it last.
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
