import type { Parser } from "../analyze.ts";
import { module, process } from "../node.ts";

/**
 * What Deno resolves in a module that is not in an npm package: there, `require()` finds nothing,
 * and `resolve()` knows no import map.
 */
export const SPECIFIER = "npm:oxc-parser@0.159.0";

/**
 * The parser. To load it takes as long as all the rest of this package: a program that has all its
 * files in the cache starts without it.
 */
export function loadParser(): Parser {
  try {
    return module.createRequire(import.meta.url)("oxc-parser");
  } catch (error) {
    if (!process.versions.deno) throw error;
    return module.createRequire(import.meta.resolve(SPECIFIER))("oxc-parser");
  }
}

/** Never called. Deno finds here that it has to provide the package. */
export const provided = (): Promise<Parser> => import("oxc-parser");
