import { openBun } from "./bun.ts";
import { openDeno } from "./deno.ts";
import type { Open } from "./library.ts";
import { openNode } from "./node.ts";
import { os, runtime } from "./runtime.ts";
import { openWindows } from "./windows.ts";

/** Opens a library with the adapter of the current runtime. */
export const open: Open = os === "win32"
  ? openWindows
  : { deno: openDeno, bun: openBun, node: openNode }[runtime];
