import { ATTENTION } from "./ffi/symbols.ts";
import { runtime } from "./ffi/runtime.ts";

/** Stands in until this thread has an Interrupt: never non-zero. */
let attention: Int32Array = new Int32Array(1);
let look = (): void => {};

/** JavaScriptCore hoists a plain read out of nested loops and never sees the flag; V8 does not, and Atomics cost it 6 ns. */
const plain = runtime !== "bun";

/** Makes {@linkcode checkpoint} read that word, and call back when it is non-zero. */
export function watch(words: Int32Array, callback: () => void): void {
  attention = words;
  look = callback;
}

/**
 * Runs the callbacks of every pending, unblocked {@linkcode Interrupt} of this thread, and returns when they have run.
 *
 * The poll for hot loops: one memory read when nothing is pending, no native call. What a callback with `rethrow` throws
 * comes out of here, after the callbacks of the others have run.
 *
 * @example Stop a computation
 * ```ts
 * import { checkpoint, Interrupt } from "@async/interrupt";
 *
 * let stop = false;
 * using _interrupt = new Interrupt({ signal: "SIGTERM", callback: () => stop = true });
 * for (let i = 0; i < 1e6 && !stop; i++) checkpoint();
 * ```
 */
export function checkpoint(): void {
  if (
    (plain ? attention[ATTENTION] : Atomics.load(attention, ATTENTION)) !== 0
  ) look();
}
