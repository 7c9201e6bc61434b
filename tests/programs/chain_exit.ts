/**
 * Uses `chain` with the handler that the runtime has for SIGINT when nothing listens. On Node that
 * handler ends the process.
 */

import process from "node:process";
import { Interrupt } from "../../mod.ts";
import { SIGINT } from "../support/signals.ts";
import { raise } from "../support/senders.ts";

const _interrupt = new Interrupt({
  signal: SIGINT,
  chain: true,
  callback: () => process.exit(0),
});
raise(SIGINT);
setTimeout(() => {}, 10);
