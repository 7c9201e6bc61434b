/** The ways to receive a signal: ours, and those of each runtime. */

import process from "node:process";

/** Keyed by contestant. Calls back for every signal that arrives, until the process ends. */
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
  // Imported here, so that a peer's process does not load our modules.
  const { Interrupt } = await import("../../mod.ts");
  new Interrupt({ signal, callback, signalHysteresis });
}
