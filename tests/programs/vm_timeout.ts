/**
 * A `vm` timeout cuts off callbacks, for which no `finally` runs. After that, every signal must be
 * heard. Prints the failures.
 */

import process from "node:process";
import vm from "node:vm";
import { checkpoint, Interrupt } from "../../mod.ts";

const problems: string[] = [];
let cutting = false;

/** Runs `code` until the timeout, in milliseconds, ends it. */
function cut(code: () => unknown, timeout: number) {
  const context = vm.createContext({ code });
  cutting = true;
  try {
    vm.runInContext("code(); for (;;);", context, { timeout });
    problems.push("it was not cut off");
  } catch (error) {
    const { code } = error as { code?: string };
    if (code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error;
  } finally {
    cutting = false;
  }
}

function expect(what: string, holds: boolean) {
  if (!holds) problems.push(what);
}

/**
 * An Interrupt whose callback was cut off. On a loaded machine the timeout may pass before the
 * callback begins: then it tries again, with more time.
 *
 * @param begin makes the callback run.
 * @param inside what the callback does again and again.
 */
function cutOff(begin: (interrupt: Interrupt) => void, inside = (_: Interrupt) => {}) {
  for (let ms = 20;; ms *= 2) {
    let calls = 0;
    const interrupt: Interrupt = new Interrupt({
      callback() {
        if (calls++ === 0) { while (cutting) inside(interrupt); }
      },
    });
    cut(() => begin(interrupt), ms);
    if (calls > 0) return { interrupt, calls: () => calls };
    interrupt.close();
  }
}

function send(...interrupts: Interrupt[]) {
  for (const interrupt of interrupts) Interrupt.signal(interrupt.signalFunc());
}

async function turns() {
  for (let i = 0; i < 10; i++) {
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

for (const how of ["checkpoint()", "handle()", "signal()", "unblock()"]) {
  for (const then of ["checkpoint()", "the loop", "signal()", "handle()"]) {
    const { interrupt, calls } = cutOff((interrupt) => {
      if (how === "signal()") return interrupt.signal();
      if (how === "unblock()") interrupt.block();
      send(interrupt);
      if (how === "checkpoint()") checkpoint();
      if (how === "handle()") interrupt.handle();
      if (how === "unblock()") interrupt.unblock();
    });
    if (then === "signal()") interrupt.signal();
    else send(interrupt);
    if (then === "checkpoint()") checkpoint();
    if (then === "handle()") interrupt.handle();
    if (then === "the loop") await turns();
    if (then === "signal()") checkpoint();
    expect(`cut off in ${how}, then ${then}`, calls() === 2);
    interrupt.signal();
    expect(`cut off in ${how}, then ${then}, again`, calls() === 3);
    interrupt.close();
  }
}

// Other Interrupts wait behind the one that is cut off.
for (const loop of [false, true]) {
  let others: { interrupt: Interrupt; calls(): number }[] = [];
  const first = cutOff((interrupt) => {
    for (const { interrupt } of others) interrupt.close();
    others = Array.from({ length: 5 }, () => {
      let calls = 0;
      return { interrupt: new Interrupt({ callback: () => calls++ }), calls: () => calls };
    });
    send(interrupt, ...others.map(({ interrupt }) => interrupt));
    checkpoint();
  });
  const all = [first, ...others].map(({ interrupt }) => interrupt);
  if (loop) await turns();
  else checkpoint();
  for (const [index, { calls }] of others.entries()) {
    expect(`number ${index} behind it, ${loop}`, calls() === 1);
  }
  send(...all);
  if (loop) await turns();
  else checkpoint();
  for (const [index, { calls }] of others.entries()) {
    expect(`number ${index} behind it, again`, calls() === 2);
  }
  expect("the one cut off, again", first.calls() === 2);
  all.forEach((interrupt) => interrupt.close());
}

// Signalled again while its callback runs and makes a checkpoint.
for (const loop of [false, true]) {
  const { interrupt, calls } = cutOff((interrupt) => interrupt.signal(), (interrupt) => {
    send(interrupt);
    checkpoint();
  });
  send(interrupt);
  // While the callback may still be running, only one look in 256 tells whether it is: that of a
  // checkpoint or of a turn of the loop.
  if (loop) { for (let i = 0; i < 26 && calls() < 2; i++) await turns(); }
  else for (let i = 0; i < 256; i++) checkpoint();
  await turns();
  expect(`signalled in its callback, ${loop}`, calls() >= 2);
  interrupt.close();
}

// Inside a callback that continues afterwards.
{
  let inner: ReturnType<typeof cutOff> | undefined;
  let again = 0;
  let depth = 0;
  const outer = new Interrupt({
    callback() {
      if (depth++ > 0) return expect("the callback ran inside itself", again === 2);
      inner = cutOff((interrupt) => {
        send(interrupt);
        checkpoint();
      });
      send(inner.interrupt, outer);
      checkpoint();
      again = inner.calls();
    },
  });
  send(outer);
  checkpoint();
  expect("cut off inside a callback", again === 2);
  outer.close();
  inner?.interrupt.close();
}

// The timeout hits at an arbitrary point.
{
  const counts = [0, 0, 0];
  const interrupts = counts.map((_, index) => new Interrupt({ callback: () => counts[index]!++ }));
  for (let round = 0; round < 100; round++) {
    cut(() => {
      for (;;) {
        send(...interrupts);
        interrupts[0]!.signal();
        checkpoint();
      }
    }, 1 + round % 3);
    const before = [...counts];
    send(...interrupts);
    if (round % 10 === 0) await turns();
    else checkpoint();
    for (const [index, count] of counts.entries()) {
      expect(`round ${round}, ${index}`, count > before[index]!);
    }
  }
}

console.log(JSON.stringify(problems));
process.exit(0);
