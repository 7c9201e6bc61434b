/**
 * Code in another thread or in a signal handler interrupts running JavaScript, on Deno, Bun and
 * Node.
 *
 * A signal handler, a native thread or a Worker *signals* an {@linkcode Interrupt}: one atomic
 * operation, never lost, never queued. Its callback runs at the next {@linkcode checkpoint}() of a
 * busy loop, or at once when the event loop is idle.
 *
 * @example Ctrl-C that works in a busy loop
 * ```ts
 * import { checkpoint, Interrupt } from "@async/interrupt";
 *
 * using _ctrlC = new Interrupt({
 *   signal: "SIGINT",
 *   rethrow: true,
 *   callback: () => {
 *     throw new Error("interrupted");
 *   },
 * });
 * for (let i = 0; i < 1e6; i++) checkpoint();
 * ```
 *
 * Re-implements Perl's Async::Interrupt by Marc Lehmann.
 *
 * @module
 */
export { checkpoint } from "./src/checkpoint.ts";
export { InterruptError, type InterruptErrorCode } from "./ffi/errors.ts";
export { EventPipe, type EventPipeOptions } from "./src/event_pipe.ts";
export { Interrupt, type InterruptSupport } from "./src/interrupt.ts";
export type { InterruptOptions, WaitOptions } from "./src/interrupt_options.ts";
export { interruptible, type InterruptibleOptions } from "./src/interruptible.ts";
export type { NativeFunction } from "./src/native_function.ts";
export { sig2name, sig2num, type SignalName } from "./src/signals.ts";
