/** Builds the native library and embeds what was built in `ffi/embedded.ts`. */

import { build } from "./lib/build.ts";

await build(...Deno.args);
