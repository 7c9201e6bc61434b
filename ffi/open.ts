import { openBun } from "./bun.ts";
import { openDeno } from "./deno.ts";
import type { Open } from "./library.ts";
import { openNode } from "./node.ts";
import { runtime } from "./runtime.ts";

/** Opens a library with the means of the runtime that this is. */
export const open: Open = { deno: openDeno, bun: openBun, node: openNode }[runtime];
