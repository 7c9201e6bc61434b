/**
 * Hooks signals that may have been inherited as ignored, and prints whether the old disposition
 * came back.
 */

import { Interrupt } from "../../mod.ts";
import { testkit } from "../support/testkit.ts";
import { SIGUSR2 } from "../support/signals.ts";
import { raise } from "../support/senders.ts";

const handlers = ["default", "ignored"];
const handler = handlers[Number(testkit.disposition_word(SIGUSR2, 0))];
testkit.disposition_save(SIGUSR2, 0);
const interrupt = new Interrupt({ signal: "SIGUSR2" });
raise(SIGUSR2);
const delivered = interrupt.pending === 1;
interrupt.close();
const same = testkit.disposition_same(SIGUSR2, 0) === 1;
console.log(handler, delivered && same);
