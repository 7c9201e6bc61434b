import { agentIfOpen, openSilently } from "./delivery/agent.ts";
import { ATTENTION, NEEDS_SCAN, OWED } from "../ffi/symbols.ts";
import { runtime } from "../ffi/runtime.ts";

/**
 * Constants of this very module, which engines fold into machine code: a variable or an import
 * costs five times as much.
 */
const memory: Int32Array = openSilently()?.view ?? new Int32Array([NEEDS_SCAN]);
const attention = ATTENTION;
const needsScan = NEEDS_SCAN | OWED;

/**
 * JavaScriptCore hoists a plain read out of a loop and never sees the flag, and Atomics.load costs
 * it 4 ns. A store to some other array of the same type keeps the read where it is: for all that
 * the engine knows, the two are the same memory.
 */
const hoists = runtime === "bun";
const other = new Int32Array(1);

/**
 * Runs the callbacks of every pending, unblocked {@linkcode Interrupt} of this thread, and returns
 * when they have run.
 *
 * The poll for hot loops: one memory read when nothing is pending, no native call. What a callback
 * with `rethrow` throws comes out of here, after the callbacks of the others have run.
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
  if (hoists) other[0] = 0;
  // WAKE_SENT alone says nothing: in a busy loop it stays set from the first signal on. If the
  // library could not be opened with this module, NEEDS_SCAN stays set, and the agent knows.
  if ((memory[attention] & needsScan) !== 0) agentIfOpen()?.checkpoint();
}
