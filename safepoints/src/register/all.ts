import { process } from "../node.ts";
import { registerInBun } from "./bun.ts";
import { keepCompiled } from "./compiled.ts";
import { register } from "./hooks.ts";
import { mendStacks } from "./stacks.ts";
import { registerInWorkers } from "./workers.ts";

/** Instruments what is loaded from now on. */
export function registerAll(): void {
  const { bun, deno } = process.versions;
  if (bun) registerInBun();
  else register();
  if (!bun && !deno) keepCompiled();
  if (bun || deno) registerInWorkers();
  mendStacks();
}
