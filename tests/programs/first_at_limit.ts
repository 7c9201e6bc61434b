/**
 * Opens the library for the first time with few descriptors left, several times, and then with more
 * left. The first argument is the URL of a module that exports at_the_limit.ts and then the
 * modules. Prints the outcome.
 */

import process from "node:process";
import { assertNoMoreDescriptors, openDescriptors } from "../support/descriptors.ts";
import { isMusl, runtime } from "../support/harness.ts";
import { testkit } from "../support/testkit.ts";
import { SIGUSR2 } from "../support/signals.ts";
import { raise } from "../support/senders.ts";

testkit.disposition_save(SIGUSR2, 0);
const descriptors = openDescriptors();
const { checkpoint, giveDescriptors, Interrupt } = await import(
  process.argv[2]!
);

let calls = 0;
const open = () => new Interrupt({ signal: SIGUSR2, callback: () => calls++ });
const errors: { name: string; code: string; message: string }[] = [];
for (let round = 0; round < 5; round++) {
  try {
    open().close();
  } catch (error) {
    const { name, code, message } = error as typeof errors[0];
    errors.push({ name, code, message });
  }
  checkpoint();
}
const same = testkit.disposition_same(SIGUSR2, 0) === 1;
giveDescriptors();
// With the first listener for any signal Deno opens two descriptors, and panics if it cannot.
const denos = runtime === "deno" ? 2 : 0;
// What threads share the library by.
const shared = isMusl() ? 1 : 0;
if (errors.length > 0) {
  assertNoMoreDescriptors(descriptors + denos + shared, "after failures");
}

for (let round = 0; round < 3; round++) {
  const interrupt = open();
  const next = interrupt.wait();
  testkit.kill(testkit.pid(), SIGUSR2, 1);
  await next;
  raise(SIGUSR2);
  checkpoint();
  interrupt.close();
}
console.log(JSON.stringify({ errors, same, calls }));
process.exit();
