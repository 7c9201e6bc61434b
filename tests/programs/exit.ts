/**
 * `exit <way> <where> <ms>`: uses an Interrupt as a user may, after the event loop was idle for
 * `ms`.
 */

import process from "node:process";
import { setTimeout } from "node:timers";
import { Interrupt } from "../../mod.ts";
import { runWay } from "../support/ways.ts";

/** Calls `work` later, but only if something else keeps the event loop alive until then. */
function whileHeld(work: () => void) {
  setTimeout(() => {
    console.log("held");
    work();
  }, 100).unref();
}

const ways: Record<string, () => void> = {
  closed() {
    new Interrupt({ signal: "SIGUSR2", callback: () => {} }).close();
  },
  open() {
    new Interrupt({ signal: "SIGUSR2", callback: () => {} });
  },
  ticking() {
    new Interrupt({ every: 0.05, callback: () => {} });
  },
  exitsTicking() {
    new Interrupt({ every: 0.05, callback: () => {} }).ref();
    // Here too it ends while ticks come.
    setTimeout(() => process.exit(), 10);
  },
  unreferenced() {
    new Interrupt().ref().unref();
  },
  unreferencedLater() {
    const interrupt = new Interrupt().ref();
    setTimeout(() => interrupt.unref(), 10);
  },
  referenced() {
    const interrupt = new Interrupt().ref();
    whileHeld(() => interrupt.unref());
  },
  referencedAgain() {
    const interrupt = new Interrupt().ref().unref().ref();
    whileHeld(() => interrupt.close());
  },
  referencedLater() {
    const interrupt = new Interrupt();
    setTimeout(() => {
      interrupt.ref();
      whileHeld(() => interrupt.unref());
    }, 10);
  },
  waiting() {
    const interrupt = new Interrupt();
    void interrupt.wait();
    whileHeld(() => interrupt.signal());
  },
};

runWay(import.meta.url, ways);
