/**
 * Builds the native library and embeds it in `ffi/embedded/`: for this machine, or with `--all`
 * for all platforms.
 */

import { build } from "./lib/build.ts";

try {
  await build(...Deno.args);
} catch (error) {
  console.error((error as Error).message.trimEnd());
  Deno.exit(1);
}
