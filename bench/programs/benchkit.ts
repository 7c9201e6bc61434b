/** Opens the native helpers of the benchmark (../native/benchkit.zig) for the current runtime. */

import { writeSync } from "node:fs";
import process from "node:process";
import { openAddon } from "../../ffi/node.ts";
import { open } from "../../ffi/open.ts";
import { symbols } from "./benchkit_symbols.ts";

/** The folder of the peers. */
export const peers: string = process.env.BENCH_PEERS!;

/** The path of the library, for peers that open it in their own way. */
export const file = `${peers}benchkit-${process.platform}-${process.arch}.node`;

const library = open(file, "benchkit_", symbols);

/** What benchkit.zig exports. */
export const kit = library.functions;

/** A view of native memory. */
export function memory(address: bigint, length: number): ArrayBuffer {
  const buffer = library.memory(address, length);
  if (buffer === undefined) throw new Error("no view of native memory");
  return buffer;
}

/** What native code can call: `void (*)(void *arg, int value)`. */
export interface NativeFunction {
  func: bigint;
  arg: bigint;
}

/** An N-API threadsafe function. */
export function threadsafeFunction(callback: () => void): NativeFunction {
  const addon = openAddon(file) as unknown as {
    tsfn_open(callback: () => void): bigint;
  };
  const arg = addon.tsfn_open(callback);
  if (arg === 0n) throw new Error("no threadsafe function here");
  return { func: kit.tsfn_address(), arg };
}

const shared = new Int32Array(memory(kit.shared_address(), 64));

/** Whether threads of start() or rounds() are still running. This is a memory read. */
export function running(): boolean {
  return Atomics.load(shared, 0) !== 0;
}

/** Prints the last line of the output and ends the process, whatever a peer still has to do. */
export function finish(sample: Record<string, unknown>): void {
  writeSync(1, JSON.stringify(sample) + "\n");
  kit.exit(0);
}
