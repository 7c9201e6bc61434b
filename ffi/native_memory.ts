import type { Native } from "./load.ts";
import { MEMORY_AND, MEMORY_EXCHANGE, MEMORY_LOAD, MEMORY_OR } from "./symbols.ts";

/** An array of int32 in native memory, which other threads write. */
export interface NativeMemory {
  /** undefined where the permissions allow only native calls. */
  readonly view: Int32Array | undefined;
  load(index: number): number;
  exchange(index: number, value: number): number;
  /** Toggles `bits`. No other thread may change these bits meanwhile. */
  xor(index: number, bits: number): void;
  /** A plain read: for words that only this thread writes, or where an old value does no harm. */
  get(index: number): number;
  set(index: number, value: number): void;
}

/**
 * The memory at `address`, through a view where the permissions allow one.
 *
 * @param agent see memory() of {@linkcode Native}.
 */
export function memoryAt(
  native: Native,
  address: bigint,
  bytes: number,
  agent?: bigint,
): NativeMemory {
  const memory = native.memory(address, bytes, agent);
  return memory === undefined
    ? new MemoryByCalls(native, address)
    : new MemoryByView(new Int32Array(memory));
}

class MemoryByView implements NativeMemory {
  readonly view: Int32Array;
  constructor(view: Int32Array) {
    this.view = view;
  }
  load(index: number): number {
    return Atomics.load(this.view, index);
  }
  exchange(index: number, value: number): number {
    return Atomics.exchange(this.view, index, value);
  }
  xor(index: number, bits: number): void {
    Atomics.xor(this.view, index, bits);
  }
  get(index: number): number {
    return this.view[index]!;
  }
  set(index: number, value: number): void {
    this.view[index] = value;
  }
}

class MemoryByCalls implements NativeMemory {
  readonly view = undefined;
  readonly #functions: Native["functions"];
  readonly #address: bigint;
  constructor(native: Native, address: bigint) {
    this.#functions = native.functions;
    this.#address = address;
  }
  #at(index: number): bigint {
    return this.#address + BigInt(index * 4);
  }
  load(index: number): number {
    return this.#functions.memory(this.#at(index), MEMORY_LOAD, 0);
  }
  exchange(index: number, value: number): number {
    return this.#functions.memory(this.#at(index), MEMORY_EXCHANGE, value);
  }
  /** Sets bits before it clears any: an exception may come between the two calls. */
  xor(index: number, bits: number): void {
    const before = this.load(index);
    this.#functions.memory(this.#at(index), MEMORY_OR, bits & ~before);
    this.#functions.memory(this.#at(index), MEMORY_AND, ~(bits & before));
  }
  get(index: number): number {
    return this.load(index);
  }
  set(index: number, value: number): void {
    this.exchange(index, value);
  }
}
