/**
 * Instruments every module that is loaded after this one, dependencies and Workers included:
 *
 * ```sh
 * node --import async-interrupt-safepoints/register program.js
 * bun --preload async-interrupt-safepoints/register program.ts
 * deno run -A --preload jsr:@async/interrupt-safepoints/register program.ts
 * ```
 *
 * Then `interruptible()` and every `Interrupt` of `@async/interrupt` reach code that never heard of
 * it. Not reached: text that is compiled by `eval()`, `new Function()` or `node:vm`, Workers that
 * are made from text, and, on Deno, modules from JSR and `https:` addresses.
 *
 * Environment variables:
 *
 * - `INTERRUPT_SAFEPOINTS_EXCLUDE`: globs, separated by commas, that match the end of the paths of
 *   files that stay as they are: `*.min.js,vendor/**`.
 * - `INTERRUPT_SAFEPOINTS_FUNCTIONS`: if it is set, functions get a safepoint too, and recursion
 *   can be interrupted.
 * - `INTERRUPT_SAFEPOINTS_CACHE`: the folder in which what was found is kept for the next start; if
 *   empty, none is. Default: `async-interrupt-safepoints` in the user's folder for caches.
 *
 * @module
 */
import "./runtime.ts";
import { registerAll } from "./src/register/all.ts";

registerAll();
