import { checkpoint } from "./checkpoint.ts";

/**
 * What stops work. Internal.
 *
 * If a callback makes it at a checkpoint, its stack begins at the code that called {@linkcode
 * checkpoint}(). Engines keep ten calls, and all of these would be calls of this package. In Bun a
 * DOMException has no stack by itself.
 */
export function stopError(name: "AbortError" | "TimeoutError", message: string): DOMException {
  const error = new DOMException(message, name);
  try {
    const here = { stack: "" };
    // Bun looks for the function's name, so no other function of this package may be called so.
    Error.captureStackTrace(here, checkpoint);
    const calls = here.stack.indexOf("\n    at ");
    if (calls >= 0) {
      // In code with safepoints, checkpoint() is called by a function of that package.
      const stack = here.stack.slice(calls).replace(/^\n +at safepoint \(.*\)/, "");
      const value = `${error}${stack}`;
      Reflect.defineProperty(error, "stack", { value, writable: true, configurable: true });
    }
  } catch {
    // The stack is full, or the program has its own Error.prepareStackTrace: the work stops anyway.
  }
  return error;
}
