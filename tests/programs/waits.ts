/**
 * `waits <way> <where> <ms>`: waits for real signals as a program does, after the event loop was
 * idle for `ms`. Prints "waiting", and what it hears.
 */

import { Interrupt } from "../../mod.ts";
import { runWay } from "../support/ways.ts";

const signals = ["SIGUSR2", "SIGHUP"];
const silent = () => {};

const ways: Record<string, () => void | Promise<void>> = {
  async on() {
    const heard = [];
    const stream = Interrupt.on(signals);
    console.log("waiting");
    for await (const signal of stream) {
      console.log(`heard ${signal}`);
      if (heard.push(signal) === 3) break;
    }
  },
  async once() {
    const first = Interrupt.once(signals);
    console.log("waiting");
    console.log(`heard ${await first}`);
  },
  async abortSignal() {
    const interrupt = new Interrupt({ signal: "SIGUSR2" });
    const { abortSignal } = interrupt;
    abortSignal.addEventListener("abort", () => interrupt.unref());
    interrupt.ref();
    console.log("waiting");
    await new Promise((resolve) => abortSignal.addEventListener("abort", resolve));
    console.log(abortSignal.reason.message);
  },
  optionOnce() {
    const interrupt = new Interrupt({
      signal: "SIGUSR2",
      once: true,
      callback(value) {
        console.log(`heard ${value}`);
        interrupt.unref();
      },
    });
    interrupt.ref();
    console.log("waiting");
  },
  // From here on nothing waits, so the process ends by itself.
  unread() {
    Interrupt.on(signals);
  },
  async returned() {
    const stream = Interrupt.on(signals);
    const next = stream.next();
    await stream.return!();
    await next;
  },
  async abortedStream() {
    const controller = new AbortController();
    const next = Interrupt.on(signals, controller).next();
    controller.abort();
    await next.catch(silent);
  },
  async abortedOnce() {
    const controller = new AbortController();
    const first = Interrupt.once(signals, controller);
    controller.abort();
    await first.catch(silent);
  },
  refused() {
    Interrupt.once(["SIGUSR2", "SIGKILL"]).catch(silent);
  },
  unusedAbortSignal() {
    void new Interrupt({ signal: "SIGUSR2" }).abortSignal;
  },
  unusedOnce() {
    new Interrupt({ signal: "SIGUSR2", once: true });
  },
};

runWay(import.meta.url, ways);
