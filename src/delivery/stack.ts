/** More stack than calling a callback takes: V8 may have to compile it first, which takes 40 KB. */
const LEVELS = 1000;

/**
 * Whether a call of `fn` has not returned yet. A `vm` timeout ends calls without a trace: no
 * `finally` runs then. Internal.
 *
 * @param fn must have a unique name, and must not make calls in tail position, where JavaScriptCore
 * drops its frame.
 * @returns true also where stack traces are turned off.
 */
export function isOnStack(fn: (...args: never[]) => unknown): boolean {
  try {
    return hasFrameBelow(fn) || !hasFrameBelow(isOnStack);
  } catch {
    // The user's Error.prepareStackTrace threw, or the stack is full.
    return true;
  }
}

/**
 * captureStackTrace() omits all frames above the call of `fn`, and that call. The trace is empty
 * when there is no such call.
 */
function hasFrameBelow(fn: (...args: never[]) => unknown): boolean {
  const trace: { stack?: unknown } = {};
  Error.captureStackTrace(trace, fn);
  return typeof trace.stack === "string" && trace.stack.includes("\n");
}

/**
 * Whether a function that was called from here, and threw `error`, had no stack to run on. It may
 * not even have begun. A function that used up the stack itself leaves room here. Internal.
 */
export function stackWasFull(error: unknown): boolean {
  // An error of another realm is not an instance of this Error.
  if (error instanceof Error && !(error instanceof RangeError)) return false;
  try {
    return descend(LEVELS) < LEVELS;
  } catch {
    return true;
  }
}

/** Not in tail position: JavaScriptCore would use no stack for that. */
function descend(levels: number): number {
  return levels === 0 ? 0 : descend(levels - 1) + 1;
}
