/** Work that Ctrl-C is to stop, and that has no checkpoint. Says when the first Ctrl-C is there. */

import { writeSync } from "node:fs";
import { Interrupt, interruptible } from "../../mod.ts";

using witness = new Interrupt({ signal: "SIGINT", once: true });
interruptible(() => {
  writeSync(1, "computes\n");
  while (witness.pending === 0);
  writeSync(1, "pending\n");
  for (;;);
}, { on: "SIGINT" });
