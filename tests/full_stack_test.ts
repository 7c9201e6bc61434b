import { assert, assertEquals } from "@std/assert";
import process from "node:process";
import { checkpoint, Interrupt } from "../mod.ts";
import { start, testsOf } from "./support/harness.ts";

const test = testsOf(import.meta.url);

test("an Interrupt is heard after a stack overflow in a loop of signals and `checkpoint()`", () => {
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

/** What a program of its own prints: what went wrong. */
async function problemsOf(program: string, ...args: string[]) {
  const file = new URL(
    `./programs/${program}${import.meta.url.slice(-3)}`,
    import.meta.url,
  );
  const { code, stdout, stderr } = await start(file, args, { timeout: 110 })
    .ended;
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
    // Compiled code does not ask for it there: `for (;;) nothing();` in a few closures is enough.
    skip: !!process.versions.bun?.startsWith("1.3.") && "Bun 1.3 misses its own `vm` timeouts",
  },
);
