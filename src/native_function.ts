/**
 * A native function and the argument it must be called with, both as addresses; survives
 * structuredClone.
 */
export interface NativeFunction {
  /** Address of the function. */
  readonly func: bigint;
  /**
   * Its first argument. What `signalFunc()` and the like give is a token, no pointer: never read
   * through it.
   */
  readonly arg: bigint;
}
