/**
 * Wakes the loops of mio and tokio, and prints how often.
 *
 * Argument: the path of the addon of verify/rust.
 */

import { createRequire } from "node:module";
import process from "node:process";
import { pipeKinds } from "../../ffi/symbols.ts";
import { busyUntil, wake } from "../support/native_loops.ts";

/** What verify/rust/src/lib.rs exports. */
interface RustLoops {
  start(library: string, fd: number, func: bigint, arg: bigint, turns: number): void;
  turns(): number;
  join(): void;
}

const addon = createRequire(import.meta.url)(process.argv[2]!) as RustLoops;
let sum = 0;
for (const library of ["mio", "tokio"]) {
  for (const type of pipeKinds) {
    sum += await wake({
      start(pipe, turns) {
        const { func, arg } = pipe.drainFunc();
        addon.start(library, pipe.fileno, func, arg, turns);
      },
      turns: () => addon.turns(),
      wait: busyUntil,
      ended: () => addon.join(),
    }, type);
  }
}
console.log(sum);
