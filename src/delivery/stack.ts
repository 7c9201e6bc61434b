/** More than it takes to call a callback: V8 may have to compile it first, which takes 40 KB. */
const LEVELS = 1000;

/**
 * Whether a call of `fn` is still to return: a `vm` timeout ends calls without a trace, for no
 * `finally` runs then. For this module only.
 *
 * `fn` must have a name of its own, and not call anything in tail position, where JavaScriptCore
 * gives its frame up. Where traces are off: true.
 */
export function isOnStack(fn: (...args: never[]) => unknown): boolean {
  try {
    return hasFrameBelow(fn) || !hasFrameBelow(isOnStack);
  } catch {
    // Error.prepareStackTrace is the user's, or the stack is full.
    return true;
  }
}

/** A trace leaves out all down to the call of `fn`; it is empty when there is none. */
function hasFrameBelow(fn: (...args: never[]) => unknown): boolean {
  const trace: { stack?: unknown } = {};
  Error.captureStackTrace(trace, fn);
  return typeof trace.stack === "string" && trace.stack.includes("\n");
}

/**
 * Whether a function that was called from here, and threw `error`, had no stack to run on: it may
 * not even have begun. One that has used up the stack itself leaves room here. For this module
 * only.
 */
export function stackWasFull(error: unknown): boolean {
  // An error of another realm is no Error here.
  if (error instanceof Error && !(error instanceof RangeError)) return false;
  try {
    return descend(LEVELS) < LEVELS;
  } catch {
    return true;
  }
}

/** Not in tail position: JavaScriptCore would use no stack. */
function descend(levels: number): number {
  return levels === 0 ? 0 : descend(levels - 1) + 1;
}
