import { describe } from "../ffi/errors.ts";
import { nearest } from "./nearest.ts";

/**
 * Internal.
 *
 * @param names all options that there are.
 * @throws {TypeError} if `options` is no object, or has an option that is not among `names`.
 */
export function checkOptions(options: unknown, what: string, names: readonly string[]): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`${what}: options must be an object, not ${describe(options)}`);
  }
  if ("throwIfAborted" in options) {
    throw new TypeError(`${what}: options must be { signal }, not the AbortSignal itself`);
  }
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue;
    const meant = nearest(name, names);
    const all = names.length > 1 ? `the options are ${names.join(", ")}` : `it is ${names}`;
    throw new TypeError(
      `${what}: there is no option "${name}": ${
        meant === undefined ? all : `do you mean "${meant}"?`
      }`,
    );
  }
}
