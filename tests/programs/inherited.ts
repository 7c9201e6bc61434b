/**
 * Hooks a signal that may have been inherited as ignored, and prints whether the old disposition
 * came back. With the argument "once" it looks before the signal was handled.
 */

import process from "node:process";
import { Interrupt } from "../../mod.ts";
import { testkit } from "../support/testkit.ts";
import { SIGUSR2 } from "../support/signals.ts";
import { raise } from "../support/senders.ts";

const once = process.argv[2] === "once";
const handlers = ["default", "ignored"];
const handler = handlers[Number(testkit.disposition_word(SIGUSR2, 0))];
testkit.disposition_save(SIGUSR2, 0);
const isBack = () => testkit.disposition_same(SIGUSR2, 0) === 1;
const interrupt = new Interrupt({ signal: "SIGUSR2", once });
raise(SIGUSR2);
const delivered = interrupt.pending === SIGUSR2;
const early = isBack();
interrupt.close();
console.log(handler, delivered && (once ? early : isBack()));
