/**
 * The URL of this module, which lies beside the folder of the library; undefined where the host
 * does not tell. It is a module of its own because CommonJS has no `import.meta`:
 * scripts/build_npm.ts replaces this file there.
 */
export function here(): string | undefined {
  return import.meta.url;
}
