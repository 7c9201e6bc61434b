import { agent } from "./delivery/agent.ts";
import { FLAG_STOPS } from "../ffi/symbols.ts";
import type { Interrupt } from "./interrupt.ts";

/**
 * Sets whether native code of this thread that asks shall stop while the Interrupt is pending and
 * not blocked, as the connections of sqlite.ts do. Internal.
 */
export function stopNativeCode(interrupt: Interrupt, on: boolean): void {
  agent().native.functions.record_flag(slotOf(interrupt), FLAG_STOPS, Number(on));
}

/** Whether native code has stopped because of it, if it is still pending. Internal. */
export function hasStoppedNativeCode(interrupt: Interrupt): boolean {
  if (interrupt.pending === 0) return false;
  return agent().native.functions.record_has_stopped(slotOf(interrupt)) === 1;
}

/** The lower half of the token: see record_open. */
function slotOf(interrupt: Interrupt): number {
  return Number(BigInt.asUintN(32, interrupt.signalFunc().arg));
}
