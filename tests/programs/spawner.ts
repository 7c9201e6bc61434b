/**
 * A Worker that starts a process in the way that it is asked for, and says what that has inherited.
 * Has Interrupts of its own.
 */

import { parentPort } from "node:worker_threads";
import { EventPipe, Interrupt } from "../../mod.ts";
import { inherited, spawners } from "../support/spawners.ts";

/** What it is asked for. */
export type Request = "open" | { spawn: string };

parentPort?.on("message", async (request: Request) => {
  if (request === "open") {
    void new Interrupt({ signal: "SIGUSR2", callback: () => {} }).pipeFileno;
    new Interrupt({
      signal: 40,
      pipe: new EventPipe(),
      signalHysteresis: true,
    });
    parentPort!.postMessage("open");
  } else {
    parentPort!.postMessage(await inherited(spawners[request.spawn]!));
  }
});
