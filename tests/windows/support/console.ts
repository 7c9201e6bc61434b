import { testkit } from "../../support/testkit.ts";

export const SIGHUP = 1;
export const SIGINT = 2;
export const SIGBREAK = 21;

/** Delivers the event of the console that this signal stands for, on a thread of its own. */
export function send(signal: number): void {
  if (testkit.kill_thread(0, signal) !== 0) throw new Error("no thread for the event");
}
