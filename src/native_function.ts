/**
 * A native function and the argument that it must be called with, both as numbers of 64 bits. It
 * survives structuredClone(), so it can be sent to a Worker.
 */
export interface NativeFunction {
  /** Address of the function. */
  readonly func: bigint;
  /**
   * Its first argument. In what `signalFunc()` and the like return this is a token, not a pointer:
   * never read through it.
   */
  readonly arg: bigint;
}
