import { assert, assertEquals } from "@std/assert";
import process from "node:process";
import { checkpoint, Interrupt } from "../mod.ts";
import { runtime, testsOf } from "./support/harness.ts";
import { start, type StartOptions } from "./support/processes.ts";

const test = testsOf(import.meta.url);

test("an Interrupt hears signals after a stack overflow in a loop of signals and `checkpoint()`", () => {
  let calls = 0;
  const interrupt = new Interrupt({ callback: () => calls++ });
  const overflow = (): number => {
    Interrupt.signal(interrupt.signalFunc());
    checkpoint();
    return overflow() + 1;
  };
  for (let i = 0; i < 5; i++) {
    try {
      overflow();
    } catch (error) {
      assert(error instanceof RangeError);
    }
  }
  checkpoint();
  for (let i = 0; i < 1000; i++) {
    const before = calls;
    Interrupt.signal(interrupt.signalFunc());
    checkpoint();
    assertEquals(calls, before + 1);
  }
});

/** A stack of 300 kB, which is filled in a third of the time that the usual one takes. */
const smallStack: StartOptions = {
  deno: { flags: ["--v8-flags=--stack-size=300"] },
  node: { flags: ["--stack-size=300"] },
  bun: { prefix: ["env", "BUN_JSC_maxPerThreadStackUsage=300000"] },
}[runtime];

/** Runs a program of its own and returns what it prints: the failures. */
async function problemsOf(program: string, ...args: string[]) {
  const file = new URL(
    `./programs/${program}${import.meta.url.slice(-3)}`,
    import.meta.url,
  );
  const { code, stdout, stderr } = await start(file, args, { timeout: 110, ...smallStack }).ended;
  assertEquals(code, 0, stderr);
  assertEquals(JSON.parse(stdout), []);
}

test(
  "a stack overflow in any call loses no signal: the next `checkpoint()` hears it",
  async () => {
    await problemsOf("full_stack", "checkpoint");
  },
  { timeout: 120 },
);

test(
  "a stack overflow in any call loses no signal: the event loop alone hears it",
  async () => {
    await problemsOf("full_stack", "loop");
  },
  { timeout: 120 },
);

test(
  "a `vm` timeout in a callback deafens nobody",
  async () => {
    await problemsOf("vm_timeout");
  },
  {
    timeout: 120,
    // Compiled code in Bun 1.3 does not check for the timeout: `for (;;) nothing();` in a few
    // closures shows it.
    skip: !!process.versions.bun?.startsWith("1.3.") && "Bun 1.3 misses its own `vm` timeouts",
  },
);
