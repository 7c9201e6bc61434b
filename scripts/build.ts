/** Builds the native library and embeds it in `ffi/embedded.ts`. */

import { build } from "./lib/build.ts";

await build(...Deno.args);
