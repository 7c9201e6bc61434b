/**
 * The loops of poll.ts, with our poll as users write it: an imported function costs the emptiest
 * loop 0.3 ns more than a constant.
 */

import { agent } from "../../src/delivery/agent.ts";
import { ATTENTION, WAKE_SENT } from "../../ffi/symbols.ts";
import { checkpoint, Interrupt } from "../../mod.ts";

let calls = 0;
export const interrupt = new Interrupt({ callback: () => calls++ });

/**
 * Leaves the attention word as a busy loop finds it that was signalled: handled, and the wake still
 * on its way.
 */
export function signal(): void {
  const before = calls;
  Interrupt.signal(interrupt.signalFunc());
  checkpoint();
  if (calls === before) throw new Error("the callback did not run");
  expectWaking();
}

/** The event loop has not turned since. */
export function expectWaking(): void {
  const { view } = agent();
  if (view?.[ATTENTION] !== WAKE_SENT) throw new Error("no wake is on its way");
}

export function lcg(): number {
  let s = 1;
  for (let t = 0; t < 2000; t++) {
    checkpoint();
    s = (Math.imul(s, 1103515245) + t) | 0;
  }
  return s;
}

export function empty(): number {
  let s = 1;
  for (let t = 0; t < 2000; t++) {
    checkpoint();
    s = (s + t) | 0;
  }
  return s;
}
