/**
 * Replaces ffi/embedded.ts in the npm package, which is CommonJS: only the module of the platform
 * is read, and only where its text is needed.
 */

/**
 * `require`, under a name that no tool replaces: scripts/build_npm.ts writes the true one. Literal
 * names, so that bundlers find the modules.
 */
declare function requireEmbedded(module: string): { library(): string };

/** As in ffi/embedded.ts. */
export const embedded: Readonly<Record<string, () => string>> = {
  "darwin-arm64": () => requireEmbedded("./embedded/darwin-arm64.js").library(),
  "darwin-x64": () => requireEmbedded("./embedded/darwin-x64.js").library(),
  "linux-arm64": () => requireEmbedded("./embedded/linux-arm64.js").library(),
  "linux-x64": () => requireEmbedded("./embedded/linux-x64.js").library(),
  "win32-arm64": () => requireEmbedded("./embedded/win32-arm64.js").library(),
  "win32-x64": () => requireEmbedded("./embedded/win32-x64.js").library(),
};
