/**
 * Chains to whatever the runtime has on SIGINT at rest: on Node that is a handler that ends the
 * process.
 */

import process from "node:process";
import { Interrupt } from "../../mod.ts";
import { testkit } from "../support/testkit.ts";

const SIGINT = 2;
const _interrupt = new Interrupt({
  signal: SIGINT,
  chain: true,
  callback: () => process.exit(0),
});
testkit.kill_thread(testkit.tid(), SIGINT);
setTimeout(() => {}, 10);
