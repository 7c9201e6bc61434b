/** A native function and the argument it must be called with, both as addresses; survives structuredClone. */
export interface NativeFunction {
  /** Address of the function. */
  readonly func: bigint;
  /** Its first argument. */
  readonly arg: bigint;
}
