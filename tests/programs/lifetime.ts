/** Ends in the way that its argument says, with Interrupts left open. */

import process from "node:process";
import { EventPipe, Interrupt } from "../../mod.ts";
import { testkit } from "../support/testkit.ts";

const ways: Record<string, () => void> = {
  idle() {
    new Interrupt({ signal: "SIGUSR2", callback: () => {} });
    new Interrupt({ callback: () => {} });
    new Interrupt({ wake: false });
    void new Interrupt().pipeFileno;
    new EventPipe();
  },
  signalled() {
    for (let i = 0; i < 10; i++) {
      const interrupt = new Interrupt({ callback: () => {} });
      const { func, arg } = interrupt.signalFunc();
      testkit.call_value(func, arg, 1);
    }
  },
  exit() {
    ways.idle!();
    void new Interrupt().wait().catch(() => {});
    new Interrupt().ref();
    process.exit(3);
  },
  exitInCallback() {
    ways.idle!();
    new Interrupt({ callback: () => process.exit(3) }).signal();
  },
  exitInLoop() {
    const interrupt = new Interrupt({ callback: () => process.exit(3) }).ref();
    const { func, arg } = interrupt.signalFunc();
    testkit.call_value(func, arg, 1);
  },
  exitSignalled() {
    const interrupt = new Interrupt({ callback: () => {} });
    const { func, arg } = interrupt.signalFunc();
    testkit.plan(0, 0n);
    testkit.thread_signal(func, arg);
    process.exit(3);
  },
  unref() {
    new Interrupt().ref().ref().unref();
  },
  closed() {
    const interrupt = new Interrupt().ref();
    const iterator = interrupt[Symbol.asyncIterator]();
    void iterator.next();
    void interrupt.wait().catch(() => {});
    interrupt.close();
  },
  waited() {
    const interrupt = new Interrupt();
    void interrupt.wait();
    interrupt.signal();
  },
  aborted() {
    const controller = new AbortController();
    const waiting = new Interrupt().wait({ signal: controller.signal });
    waiting.catch(() => {});
    controller.abort();
  },
  returned() {
    const iterator = new Interrupt()[Symbol.asyncIterator]();
    void iterator.next();
    void iterator.return!();
  },
  queued() {
    const interrupt = new Interrupt();
    interrupt[Symbol.asyncIterator]();
  },
  wait() {
    const interrupt = new Interrupt({ signal: "SIGUSR2" });
    void interrupt.wait().then((value) => console.log("value", value));
    console.log("ready");
  },
  iterate() {
    const interrupt = new Interrupt({ signal: "SIGUSR2" });
    void (async () => {
      for await (const value of interrupt) {
        console.log("value", value);
        break;
      }
    })();
    console.log("ready");
  },
  ref() {
    const interrupt = new Interrupt({
      signal: "SIGUSR2",
      callback(value) {
        console.log("value", value);
        interrupt.unref();
      },
    });
    interrupt.ref();
    console.log("ready");
  },
};

ways[process.argv[2]!]!();
