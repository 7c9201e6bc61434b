/**
 * Puts safepoints into a program when it is bundled: into its own code and its dependencies. The
 * bundle has all that they need, and needs no flags to start.
 *
 * ```js ignore
 * // vite.config.js
 * import safepoints from "async-interrupt-safepoints/plugin";
 *
 * export default { plugins: [safepoints.vite({ exclude: "*.min.js" })] };
 * ```
 *
 * There are `vite`, `rollup`, `rolldown`, `esbuild`, `webpack`, `rspack`, and `bun` for
 * `Bun.build`. For esbuild and Bun it should be the last plugin: there a file that a plugin has
 * loaded is not shown to those after it.
 *
 * Tests of Vitest 4.1 and later that are in an endless loop are stopped by their own timeout.
 *
 * A file that cannot be parsed gets no safepoints, and a warning. The bundler says what is wrong
 * with it, or knows how to read it.
 *
 * @module
 */
import { createUnplugin, type UnpluginInstance } from "unplugin";
import { bundlerPlugin } from "./src/plugin/bundler_plugin.ts";
import type { SafepointsOptions } from "./src/plugin/options.ts";

export type { Files, SafepointsOptions } from "./src/plugin/options.ts";
export type { Engine } from "./src/poll.ts";

/**
 * The plugins, by the names of the bundlers. Each throws a TypeError that names the option which is
 * wrong.
 */
const safepoints: UnpluginInstance<SafepointsOptions | undefined, false> = createUnplugin(
  bundlerPlugin,
);

export default safepoints;
