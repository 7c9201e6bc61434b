/**
 * The URL of this module, which lies beside the folder of the library; undefined where the system
 * that runs it does not tell. It stands in a module of its own because CommonJS has no
 * `import.meta`: scripts/build_npm.ts replaces it there.
 */
export function here(): string | undefined {
  return import.meta.url;
}
