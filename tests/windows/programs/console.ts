/** What Ctrl-C and the end of a console do to a program. */

import process from "node:process";
import { Interrupt } from "../../../mod.ts";
import { testkit } from "../../support/testkit.ts";
import { send, SIGHUP, SIGINT } from "../support/console.ts";

/** Until the end of the process, which the event brings. */
function wait(): never {
  while (true) testkit.tid();
}

switch (process.argv[2]) {
  case "never":
    send(SIGINT);
    wait();
    break;
  case "closed":
    new Interrupt({ signal: SIGINT }).close();
    send(SIGINT);
    // Deno plays the default action in its event loop.
    setInterval(() => {}, 1000);
    break;
  case "once": {
    const interrupt = new Interrupt({ signal: SIGINT, once: true });
    send(SIGINT);
    while (interrupt.pending === 0) testkit.tid();
    send(SIGINT);
    wait();
    break;
  }
  case "passed on": {
    // The runtime's handler is the last one, then comes a slow one, and ours is the first.
    const listener = () => {};
    process.on("SIGINT", listener);
    process.off("SIGINT", listener);
    if (testkit.handler_count(SIGINT, 0n, 0n) !== 0) throw new Error("no handler");
    const interrupt = new Interrupt({ signal: SIGINT });
    const next = interrupt.wait();
    send(SIGINT);
    await next;
    interrupt.close();
    // The default action would end the process here.
    testkit.wait_exit(0);
    console.log(`handled ${testkit.handled(SIGINT)}`);
    process.exit(0);
    break;
  }
  case "hangup":
    new Interrupt({
      signal: "SIGHUP",
      callback(value) {
        console.log("heard", value);
        // Windows ends the process at once if our handler returns.
        setTimeout(() => process.exit(0), 500);
      },
    }).ref();
    send(SIGHUP);
}
