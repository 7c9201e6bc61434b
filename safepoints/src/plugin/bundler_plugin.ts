import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { createUnplugin, type UnpluginContextMeta, type UnpluginOptions } from "unplugin";
import { patternOf } from "../glob.ts";
import { own } from "../own.ts";
import { checked, type Files, type SafepointsOptions } from "./options.ts";
import { fileOf, transform } from "./transform.ts";

const script = /\.[cm]?[jt]sx?$/i;
/** What plugins of other bundlers than esbuild and Bun make JavaScript of. */
const compiled = /\.(?:[cm]?[jt]sx?|vue|svelte|astro|mdx)(?:[?#].*)?$/i;
/** Also modules that bundlers make, which import what they need by names of their own. */
const never = [own, /\0/];

const here = import.meta.url;
/** A module that Vitest loads. */
const runner = here.startsWith("file:")
  ? fileURLToPath(new URL(`../../vitest_runner${here.slice(-3)}`, here))
  : undefined;

type Loader = "js" | "jsx" | "ts" | "tsx";

/**
 * The plugin for one bundler. Vite, Rollup, webpack and Rspack show it what their other plugins
 * have made of the source. esbuild, Bun and Rolldown show it the source, and compile TypeScript
 * themselves, afterwards.
 *
 * @throws {TypeError} that names the option which is wrong.
 */
export function bundlerPlugin(
  options: SafepointsOptions | undefined,
  { framework }: UnpluginContextMeta,
): UnpluginOptions {
  const { functions = false, engine = "any", include, exclude } = checked(options);
  const isOriginal = framework === "esbuild" || framework === "bun";
  let isUnbundled = false;
  let isServed = false;
  let loaders: Record<string, string> = {};
  const hook: UnpluginOptions["transform"] = {
    filter: {
      id: {
        include: include === undefined ? [isOriginal ? script : compiled] : patternsOf(include),
        exclude: [...never, ...patternsOf(exclude)],
      },
    },
    handler(code, id) {
      const meta = (this as { meta?: { rolldownVersion?: string } }).meta;
      const onlyModules = isServed || framework === "rollup" ||
        framework === "vite" && meta?.rolldownVersion === undefined;
      try {
        return transform(code, id, { engine, functions, onlyModules, isUnbundled, isOriginal });
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        // Others may be style sheets.
        if (script.test(id)) this.warn(`${id} gets no safepoints: ${error.message}`);
        return undefined;
      }
    },
  };
  return {
    name: "async-interrupt-safepoints",
    enforce: "post",
    // Vite goes by `enforce`; in its server, an order would put this after what resolves imports.
    transform: framework === "vite" ? hook : { ...hook, order: "post" } as typeof hook,
    vite: {
      config: (config: object): object => ({
        // Another runner is the user's own.
        ...(config as { test?: { runner?: string } }).test?.runner ? {} : { test: { runner } },
        // Vite bundles Workers with plugins of their own; it adds these to them.
        worker: { plugins: () => [createUnplugin(bundlerPlugin).vite(options)] },
      }),
      configResolved({ command }: { command: string }) {
        isServed = command === "serve";
      },
    },
    esbuild: {
      onLoadFilter: script,
      config({ bundle, loader }) {
        isUnbundled = !bundle;
        loaders = { ...loader };
      },
      loader(_: string, id: string) {
        const extension = extname(fileOf(id));
        return (loaders[extension] ?? extension.replace(/^\.[cm]?/i, "").toLowerCase()) as Loader;
      },
    },
  };
}

function patternsOf(files: Files = []): RegExp[] {
  return [files].flat().map((file) => typeof file === "string" ? patternOf(file) : file);
}
