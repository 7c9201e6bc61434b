/** An Interrupt whose callback must run inside the loops of poll.ts. */

import { agent } from "../../src/delivery/agent.ts";
import { ATTENTION, WAKE_SENT } from "../../ffi/symbols.ts";
import { Interrupt } from "../../mod.ts";

let calls = 0;
let wanted = 0;
const interrupt = new Interrupt({ callback: () => calls++ });

/** Signals the Interrupt. */
export function signal(): void {
  wanted++;
  Interrupt.signal(interrupt.signalFunc());
}

/** Checks that a checkpoint ran the callback. */
export function hasRun(): void {
  if (calls !== wanted) throw new Error("no checkpoint ran the callback");
}

/**
 * Checks besides that the event loop has not turned since {@linkcode signal}: a busy loop sees the
 * attention word like this most of the time.
 */
export function expectWaking(): void {
  hasRun();
  if (agent().view?.[ATTENTION] !== WAKE_SENT) throw new Error("no wake is on its way");
}
