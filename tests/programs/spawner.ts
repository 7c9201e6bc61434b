/**
 * A Worker with Interrupts of its own. It starts a process in the way that it is asked for, and
 * reports what the process inherited.
 */

import { parentPort } from "node:worker_threads";
import { EventPipe, Interrupt } from "../../mod.ts";
import { inherited, spawners } from "../support/spawners.ts";

/** What the Worker is asked to do. */
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
