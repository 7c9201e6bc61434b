#!/usr/bin/env node
/**
 * A program, not a module to import: runs another program with safepoints.
 *
 * ```sh
 * npx async-interrupt-safepoints program.ts
 * bunx --bun async-interrupt-safepoints program.ts
 * deno run -A jsr:@async/interrupt-safepoints/run program.ts
 * ```
 *
 * Ctrl-C throws an `AbortError` out of what the program computes, `--timeout 5s` a `TimeoutError`.
 * SIGQUIT (Ctrl-\) and `--trace 1s` print the stack of what is executed, and `--watch-loop 50ms`
 * reports what blocks the event loop. `--help` says all.
 *
 * @module
 */
import { launch } from "./src/run/launch.ts";

launch();
