import { openBun } from "./bun.ts";
import { openDeno } from "./deno.ts";
import type { Open } from "./library.ts";
import { openNode } from "./node.ts";
import { runtime } from "./runtime.ts";

/** Opens a library with the adapter of the current runtime. */
export const open: Open = { deno: openDeno, bun: openBun, node: openNode }[runtime];
