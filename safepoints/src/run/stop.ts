import process from "node:process";
import { setImmediate } from "node:timers";
import { Interrupt, type InterruptOptions } from "@async/interrupt";
import { currentFrames, print } from "./stack.ts";

/**
 * As it is before `register` replaces it. An import would keep what Deno and Bun show to later
 * imports.
 */
const { Worker } = process.getBuiltinModule("node:worker_threads");

/** Printed before a process is killed that `--timeout` did not end. */
const KILLED =
  "Killed: it has not ended since its timeout. Did it reach no safepoint? A long call of a built-in has none, and recursion only with --functions.\n";

/** What is thrown, and how the process ends if nobody handles it. */
interface Stop {
  readonly error: DOMException;
  readonly status: number;
  /** The process dies of it, as a shell needs to know: it then stops its script too. */
  readonly signal?: "SIGINT";
}

/**
 * At Ctrl-C, throws an AbortError out of the code that is executed; if there is none, the process
 * dies of it. A second Ctrl-C does what it does without this.
 *
 * If the program listens to SIGINT itself, nothing is thrown. But a program that lets no listener
 * hear, because it blocks the event loop, is stopped by the second Ctrl-C.
 */
export function stopAtCtrlC(): void {
  const deno = process.versions.deno ? new DenoListeners() : undefined;
  /** The program's own listeners have not heard the last one yet. */
  let waits = false;
  const arm = () => {
    if (deno) deno.isOurs = true;
    onFirst({ signal: "SIGINT", once: true }, () => {
      // Ours is closed. On Node and Bun, what is left are listeners and Interrupts of the program.
      if ((deno?.count ?? 0) + process.listenerCount("SIGINT") > 0) {
        arm();
        if (!waits) {
          waits = true;
          setImmediate(() => waits = false);
          return;
        }
      }
      const error = new DOMException("Interrupted by SIGINT", "AbortError");
      stop({ error, status: 130, signal: "SIGINT" });
    });
    if (deno) deno.isOurs = false;
  };
  arm();
}

/**
 * After a time, throws a TimeoutError out of the code that is executed; if there is none, the
 * process ends. Its exit status is 124 then, as that of timeout(1).
 *
 * @param timeout milliseconds.
 * @param killAfter after so many milliseconds more, the process is killed.
 */
export function stopAfter(timeout: number, killAfter: number): void {
  onFirst({ every: timeout }, () => {
    process.on("exit", () => process.exitCode = 124);
    // Bun 1.3 ends with what exit() is called with.
    process.exit = process.exit.bind(process, 124);
    const error = new DOMException(`Interrupted after ${timeout} ms`, "TimeoutError");
    stop({ error, status: 124 });
  });
  // Another thread, because this one may be inside of native code.
  const text = `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${
    timeout + killAfter
  });
    try {
      process.getBuiltinModule("node:fs").writeSync(2, ${JSON.stringify(KILLED)});
    } catch {}
    process.kill(process.pid, "SIGKILL");`;
  new Worker(text, { eval: true, execArgv: [], stdin: false }).unref();
}

/** Calls this once, and lets it throw. */
function onFirst(options: InterruptOptions, callback: () => void): void {
  const close = () => interrupt.close();
  const interrupt = new Interrupt({
    ...options,
    rethrow: true,
    callback() {
      close();
      callback();
    },
    // Something else is thrown at the same safepoint, and stops the program.
    onError() {},
  });
}

function stop(stop: Stop): void {
  const frames = currentFrames();
  if (frames.length === 0) {
    // As without us: listeners for the end of the process are not called.
    if (stop.signal !== undefined) raise(stop.signal);
    return end(stop);
  }
  const { error } = stop;
  const stack = [`${error.name}: ${error.message}`, ...frames].join("\n    ");
  Object.defineProperty(error, "stack", { value: stack, writable: true, configurable: true });
  process.on("uncaughtExceptionMonitor", (uncaught) => {
    const isHandled = process.listenerCount("uncaughtException") > 0;
    if (uncaught === error && !isHandled) endWithError(stop);
  });
  if (process.versions.bun && process.listenerCount("unhandledRejection") === 0) {
    // Bun does not tell monitors of all rejections.
    process.on("unhandledRejection", (reason) => {
      if (reason === error) return endWithError(stop);
      console.error(reason);
      process.exit(1);
    });
  }
  throw error;
}

function endWithError(stop: Stop): void {
  print(`Uncaught ${stop.error.stack}`);
  end(stop);
}

function end({ status, signal }: Stop): void {
  // After the listeners of the program, and not if it still listens to the signal.
  if (signal !== undefined) process.on("exit", () => raise(signal));
  process.exit(status);
}

function raise(signal: "SIGINT"): void {
  if (process.platform === "win32" || process.listenerCount(signal) > 0) return;
  process.kill(process.pid, signal);
  // On Deno another thread performs the default action.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
}

/**
 * Counts listeners for SIGINT that are added by Deno's own API; those of `process` are not among
 * them. While there is an Interrupt of ours, one that the program makes adds no listener.
 */
class DenoListeners {
  readonly #listeners = new Set<() => void>();
  /** What is added now is not the program's. */
  isOurs = false;

  constructor() {
    const { addSignalListener: add, removeSignalListener: remove } = Deno;
    Deno.addSignalListener = (signal, listener) => {
      add(signal, listener);
      if (signal === "SIGINT" && !this.isOurs) this.#listeners.add(listener);
    };
    Deno.removeSignalListener = (signal, listener) => {
      remove(signal, listener);
      if (signal === "SIGINT") this.#listeners.delete(listener);
    };
  }

  get count(): number {
    return this.#listeners.size;
  }
}
