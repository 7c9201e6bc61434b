/**
 * The native libraries. scripts/lib/embed.ts writes one module a platform. They are JavaScript, so
 * that Deno does not look for the outcome of a translation, and each text stands in a function, so
 * that an engine does not compile it before it is called: docs/design.md has the figures.
 */

import { library as darwinArm64 } from "./embedded/darwin-arm64.js";
import { library as darwinX64 } from "./embedded/darwin-x64.js";
import { library as linuxArm64 } from "./embedded/linux-arm64.js";
import { library as linuxX64 } from "./embedded/linux-x64.js";
import { library as win32Arm64 } from "./embedded/win32-arm64.js";
import { library as win32X64 } from "./embedded/win32-x64.js";

/**
 * By platform a function that returns its library in base64, or "" if that was not built. Not
 * compressed: in Deno the import of what could decompress it at once takes longer than all else
 * together.
 */
export const embedded: Readonly<Record<string, () => string>> = {
  "darwin-arm64": darwinArm64,
  "darwin-x64": darwinX64,
  "linux-arm64": linuxArm64,
  "linux-x64": linuxX64,
  "win32-arm64": win32Arm64,
  "win32-x64": win32X64,
};

/** The platforms whose library the package has in a file, too: `lib/<platform>.node`. */
export const files: readonly string[] = Object.keys(embedded);
