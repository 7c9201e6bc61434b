/** Tests as a user of `deno test` writes them. The argument is the URL of the module. */

import process from "node:process";

/** As with --sanitize-ops and --sanitize-resources, which are the defaults of some versions. */
const sanitizers = { sanitizeOps: true, sanitizeResources: true };
const module = process.argv[2]!;

Deno.test("imported in a test", sanitizers, async () => {
  const { EventPipe, Interrupt } = await import(module);
  using pipe = new EventPipe();
  using interrupt = new Interrupt({ pipe });
  interrupt.signal();
});

Deno.test("an Interrupt that is waited for", sanitizers, async () => {
  const { Interrupt } = await import(module);
  using interrupt = new Interrupt({ wake: true });
  const waiting = interrupt.wait();
  Interrupt.signal(interrupt.signalFunc(), 7);
  if (await waiting !== 7) throw new Error("another value");
});

Deno.test("an EventPipe", sanitizers, async () => {
  const { EventPipe } = await import(module);
  using pipe = new EventPipe();
  pipe.signal();
  pipe.drain();
});
