import { checkpoint } from "./checkpoint.ts";

/**
 * What stops work. Internal.
 *
 * Its stack begins at the code that called {@linkcode checkpoint}(), if that runs this: engines
 * keep ten calls, and those of this package alone are ten. In Bun a DOMException has no stack.
 */
export function stopError(name: "AbortError" | "TimeoutError", message: string): DOMException {
  const error = new DOMException(message, name);
  try {
    const here = { stack: "" };
    // Bun goes by the name: no other function of the library may have it.
    Error.captureStackTrace(here, checkpoint);
    const calls = here.stack.indexOf("\n    at ");
    if (calls >= 0) {
      const value = `${error}${here.stack.slice(calls)}`;
      Reflect.defineProperty(error, "stack", { value, writable: true, configurable: true });
    }
  } catch {
    // The stack is full, or the program has its own Error.prepareStackTrace: the work stops anyway.
  }
  return error;
}
