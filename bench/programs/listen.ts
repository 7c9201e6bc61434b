/** The ways to hear of a signal: ours, and what each runtime has. */

import process from "node:process";

/**
 * By the name of the contestant: calls back for every signal that arrives, until the process ends.
 */
export const ways: Record<
  string,
  (signal: NodeJS.Signals, callback: () => void) => Promise<void> | void
> = {
  interrupt: (signal, callback) => interrupt(signal, callback, false),
  hysteresis: (signal, callback) => interrupt(signal, callback, true),
  process(signal, callback) {
    process.on(signal, callback);
  },
  deno(signal, callback) {
    Deno.addSignalListener(signal as Deno.Signal, callback);
  },
};

async function interrupt(
  signal: string,
  callback: () => void,
  signalHysteresis: boolean,
): Promise<void> {
  // Nothing of ours in a peer's process.
  const { Interrupt } = await import("../../mod.ts");
  new Interrupt({ signal, callback, signalHysteresis });
}
