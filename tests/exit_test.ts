import { assertEquals } from "@std/assert";
import { testsOf } from "./support/harness.ts";
import { start } from "./support/processes.ts";

const test = testsOf(import.meta.url);

const program = new URL("./programs/exit.ts", import.meta.url);

/** What keeps the process alive for a while, and what does not. */
const ways = {
  "has closed its Interrupt": ["closed", ""],
  "never closes its Interrupt": ["open", ""],
  "never closes its timer": ["ticking", ""],
  "exits while its timer ticks": ["exitsTicking", ""],
  "calls `unref()` at once after `ref()`": ["unreferenced", ""],
  "calls `unref()` some turns after `ref()`": ["unreferencedLater", ""],
  "calls `ref()`, stays until `unref()`": ["referenced", "held\n"],
  "calls `ref()` again, stays until `close()`": ["referencedAgain", "held\n"],
  "calls `ref()` some turns later, stays": ["referencedLater", "held\n"],
  "waits, stays until it is signalled": ["waiting", "held\n"],
};

for (const where of ["main thread", "Worker"]) {
  for (const ms of [0, 2000]) {
    const idle = ms === 0 ? "" : `, after the event loop was idle for ${ms} ms`;
    test(
      `a ${where} that has Interrupts ends by itself, except for ref() and wait()${idle}`,
      async () => {
        const ended = Object.entries(ways).map(async ([name, [way]]) => {
          const { ended } = start(program, [way!, where, String(ms)]);
          return [name, await ended];
        });
        const expected = Object.entries(ways).map(([name, [, stdout]]) => [
          name,
          { code: 0, signal: null, stdout, stderr: "", hung: false },
        ]);
        assertEquals(
          Object.fromEntries(await Promise.all(ended)),
          Object.fromEntries(expected),
        );
      },
      { timeout: 30 },
    );
  }
}
