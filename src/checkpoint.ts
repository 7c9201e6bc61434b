import { agentIfOpen, openSilently } from "./delivery/agent.ts";
import { ATTENTION, NEEDS_SCAN, OWED } from "../ffi/symbols.ts";
import { runtime } from "../ffi/runtime.ts";
import { offerPolls } from "./safepoints.ts";

/**
 * Declared in this module because engines fold a module's own constants into machine code: an
 * import or a variable costs five times as much.
 */
const memory: Int32Array = openSilently()?.view ?? new Int32Array([NEEDS_SCAN]);
const attention = ATTENTION;
const needsScan = NEEDS_SCAN | OWED;

/**
 * JavaScriptCore hoists a plain read out of a loop, and would never see the flag change;
 * Atomics.load would cost it 4 ns. A store to another array of the same type keeps the read inside
 * the loop: the engine must assume that both arrays are the same memory.
 */
const isJavaScriptCore = runtime === "bun";
const other = new Int32Array(1);

/**
 * Runs the callbacks of all pending, unblocked {@linkcode Interrupt}s of this thread, and returns
 * when they have run.
 *
 * Call it in hot loops: when nothing is pending, it costs one read of memory and no native call.
 * In the tightest loops even that shows, since engines optimize a loop less if it may call
 * something. There, call it between tiles:
 *
 * ```ts
 * import { checkpoint } from "@async/interrupt";
 *
 * let sum = 0;
 * for (let start = 0; start < 1e6; start += 1024) {
 *   checkpoint();
 *   const end = Math.min(start + 1024, 1e6);
 *   for (let i = start; i < end; i++) sum += Math.sqrt(i);
 * }
 * ```
 *
 * @throws what a callback with `rethrow` throws, after the callbacks of the others have run. If
 * several throw, the first error comes out, and {@linkcode Interrupt.onError} receives the others.
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
  // WAKE_SENT alone says nothing: in a busy loop it stays set from the first signal on. If the
  // library could not be opened with this module, NEEDS_SCAN stays set, and the agent knows.
  if (isJavaScriptCore) {
    other[0] = 0;
    try {
      if ((memory[attention]! & needsScan) === 0) return;
      // JavaScriptCore expects a throw to be rare, and so the call after it. A loop then keeps its
      // variables in registers: twelve loops take 1.03 times as long with a poll, 1.6 without this.
      throw undefined;
    } catch {
      // The call comes after this block, so that what a callback throws comes out.
    }
    look();
  } else if ((memory[attention]! & needsScan) !== 0) {
    look();
  }
}

function look(): void {
  agentIfOpen()?.atCheckpoint();
}

offerPolls({ memory, index: attention, mask: needsScan, checkpoint });
