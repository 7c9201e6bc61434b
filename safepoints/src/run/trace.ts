import { Interrupt, sig2num } from "@async/interrupt";
import { currentFrames, print } from "./stack.ts";

/**
 * Prints the stack at SIGQUIT (Ctrl-\; Ctrl-Break on Windows), and every so many milliseconds if
 * that is given.
 */
export function traceStacks(every: number | undefined): void {
  const signal = ["SIGQUIT", "SIGBREAK"].find(sig2num);
  if (signal !== undefined) {
    new Interrupt({
      signal,
      callback: () => printStack("The event loop of the main thread is idle."),
    });
  }
  if (every !== undefined) new Interrupt({ every, callback: () => printStack() });
}

/** @param idle what to print if no code is executed; default: nothing. */
function printStack(idle?: string): void {
  const frames = currentFrames();
  if (frames.length > 0) print(["Executing:", ...frames].join("\n    "));
  else if (idle !== undefined) print(idle);
}
