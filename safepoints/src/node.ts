/** The global `process`. */
export const { process } = globalThis as unknown as { process: Process };
type Process = typeof import("node:process");

/**
 * A module of Node. Not by `import`: then Node calls all getters of a module, and so opens the
 * standard streams, for one. To start takes twice as long.
 */
export const { getBuiltinModule: builtin } = process;
export const { Buffer } = builtin("node:buffer");
export const fs = builtin("node:fs");
export const module = builtin("node:module");
type Urls = Pick<typeof import("node:url"), "fileURLToPath" | "pathToFileURL">;
/** Bun has them without `node:url`, which it takes 1 ms to load. */
export const { fileURLToPath, pathToFileURL } = (globalThis as { Bun?: Urls }).Bun ??
  builtin("node:url");
