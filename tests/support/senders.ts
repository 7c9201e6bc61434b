import type { Interrupt } from "../../mod.ts";
import { testkit } from "./testkit.ts";

/** Sends a signal to this thread; the handler has run when this returns. */
export function raise(signal: number, count = 1): void {
  for (let i = 0; i < count; i++) {
    testkit.kill_thread(testkit.tid(), signal);
  }
}

/** Signals as native code does, by `signalFunc()`: the callback runs later. */
export function sendFromNative(
  interrupt: Pick<Interrupt, "signalFunc">,
  value = 1,
): void {
  const { func, arg } = interrupt.signalFunc();
  testkit.call_value(func, arg, value);
}
