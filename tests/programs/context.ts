/**
 * The AsyncLocalStorage context in which callbacks run, and that no context is kept alive. Prints
 * failures.
 */

import { AsyncLocalStorage } from "node:async_hooks";
import process from "node:process";
import v8 from "node:v8";
import vm from "node:vm";
import { checkpoint, Interrupt } from "../../mod.ts";

const storage = new AsyncLocalStorage<{ id: string }>();
const problems: string[] = [];

function expect(what: string, expected: string | undefined) {
  const actual = storage.getStore()?.id;
  if (actual !== expected) {
    problems.push(`${what}: in ${actual}, not in ${expected}`);
  }
}

let isGone = false;
const registry = new FinalizationRegistry(() => isGone = true);

/**
 * Opens an Interrupt, and with it the wake of the event loop, in the context of a request that ends
 * at once.
 */
function open(signal?: "SIGUSR2"): Interrupt {
  const store = { id: "the request that opened it" };
  registry.register(store, undefined);
  return storage.run(store, () =>
    new Interrupt({
      signal,
      callback() {
        expect(how, expected);
        called();
      },
    }));
}

let how = "";
let expected: string | undefined;
let called = () => {};
const interrupt = open();
const send = () => Interrupt.signal(interrupt.signalFunc());
const inContext = (id: string, work: () => void) => storage.run({ id }, work);

for (const from of [undefined, "the request that signals"]) {
  how = `from the loop, signalled in ${from}`;
  const done = new Promise<void>((resolve) => called = resolve);
  // In the first round the event loop has not turned yet, in the second it has.
  if (from === undefined) send();
  else inContext(from, send);
  // The Interrupt does not keep the process alive by itself.
  interrupt.ref();
  await done;
  interrupt.unref();
}

const onSignal = open("SIGUSR2");
onSignal.ref();
// On Deno the first signal can arrive before its listener is called.
for (let i = 0; i < 20; i++) {
  how = "for a POSIX signal";
  const done = new Promise<void>((resolve) => called = resolve);
  process.kill(process.pid, "SIGUSR2");
  await done;
}
onSignal.close();

called = () => {};
expected = "the caller";
inContext(expected, () => {
  how = "checkpoint()";
  send();
  checkpoint();
  how = "handle()";
  send();
  interrupt.handle();
  how = "signal()";
  interrupt.signal();
  how = "unblock()";
  interrupt.block();
  send();
  interrupt.unblock();
});

expected = undefined;
how = "for a promise";
for (const id of ["one", "another"]) {
  await storage.run({ id }, async () => {
    const waited = interrupt.wait();
    send();
    await waited;
    expect("after wait()", id);
    const next = interrupt[Symbol.asyncIterator]();
    const value = next.next();
    send();
    await value;
    expect("in an async iteration", id);
    await next.return!();
  });
}

const { Bun } = globalThis as { Bun?: { gc(wait: boolean): void } };
if (!Bun) v8.setFlagsFromString("--expose-gc");
// Deno 2.7 does not expose gc() at run time, but collects when there is enough garbage.
const collect = Bun
  ? () => Bun.gc(true)
  : vm.runInNewContext("globalThis.gc ?? (() => new Array(1e6).fill(0).map(String))") as () => void;
for (let i = 0; i < 200 && !isGone; i++) {
  collect();
  await new Promise((resolve) => setTimeout(resolve, 1));
}
if (!isGone) problems.push("the context is kept");

console.log(JSON.stringify(problems));
process.exit(0);
