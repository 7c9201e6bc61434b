/** How users bundle a program with safepoints: one script for each bundler. */

import config from "../../deno.json" with { type: "json" };
import type { Format } from "./bundlers.ts";
import versions from "./versions.json" with { type: "json" };

/** A bundler. */
export interface PluginBuild {
  /** What the project needs for it, with versions. */
  packages: Record<string, string>;
  /** It is the runtime itself. */
  isBun?: boolean;
  /** It bundles the files of Workers that it finds in `new Worker(new URL(...))` by itself. */
  findsWorkers?: boolean;
  /**
   * The script, a module.
   *
   * @param out the folder to which it writes `main.mjs` or `main.cjs`.
   * @param entries other names than "main", each of an entry point.
   */
  script(out: string, format: Format, entries?: readonly string[]): string;
}

const { webpack, "@rspack/core": rspack } = versions.ship;
const { rolldown } = versions.plugins;
const pinned = (name: keyof typeof config.imports) => {
  const specifier = config.imports[name];
  return { [name]: specifier.slice(specifier.lastIndexOf("@") + 1) };
};
const plugin = 'import safepoints from "async-interrupt-safepoints/plugin";\n';
const extensionOf = (format: Format) => format === "esm" ? ".mjs" : ".cjs";
const namesFor = (format: Format) => `[name]${extensionOf(format)}`;
const main = ["main"];
const filesOf = (entries: readonly string[]) =>
  JSON.stringify(entries.map((name) => `./${name}.mjs`));

/** Compiles TypeScript, since Rollup and webpack do not. */
const typescript = `const { outputText, sourceMapText } = ts.transpileModule(code, {
  fileName,
  compilerOptions: { target: "es2022", module: "esnext", sourceMap: true },
});`;

export const pluginBuilds: Readonly<Record<string, PluginBuild>> = {
  esbuild: {
    packages: pinned("esbuild"),
    script: (out, format, entries = main) =>
      `${plugin}import { build } from "esbuild";
await build({
  entryPoints: ${filesOf(entries)},
  outdir: "${out}",
  outExtension: { ".js": "${extensionOf(format)}" },
  bundle: true,
  format: "${format}",
  platform: "node",
  sourcemap: true,
  plugins: [safepoints.esbuild()],
});`,
  },

  "Bun.build": {
    packages: {},
    isBun: true,
    script: (out, format, entries = main) =>
      `${plugin}await Bun.build({
  entrypoints: ${filesOf(entries)},
  outdir: "${out}",
  naming: "${namesFor(format)}",
  target: "node",
  format: "${format}",
  sourcemap: "linked",
  plugins: [safepoints.bun()],
});`,
  },

  rollup: {
    packages: {
      ...pinned("rollup"),
      ...pinned("@rollup/plugin-commonjs"),
      ...pinned("@rollup/plugin-node-resolve"),
      ...pinned("typescript"),
    },
    script: (out, format, entries = main) =>
      `${plugin}import commonjs from "@rollup/plugin-commonjs";
import { nodeResolve } from "@rollup/plugin-node-resolve";
import { rollup } from "rollup";
import ts from "typescript";
const typescript = {
  name: "typescript",
  transform(code, fileName) {
    if (!fileName.endsWith(".ts")) return;
    ${typescript}
    return { code: outputText, map: sourceMapText };
  },
};
const bundle = await rollup({
  input: ${filesOf(entries)},
  plugins: [safepoints.rollup(), typescript, nodeResolve(), commonjs()],
  onwarn: ({ message }) => { throw new Error(message) },
});
await bundle.write(${written(out, format)});`,
  },

  rolldown: {
    packages: { rolldown },
    script: (out, format, entries = main) =>
      `${plugin}import { rolldown } from "rolldown";
const bundle = await rolldown({
  input: ${filesOf(entries)},
  platform: "node",
  plugins: [safepoints.rolldown()],
});
await bundle.write(${written(out, format)});`,
  },

  vite: {
    packages: pinned("vite"),
    script: (out, format, entries = main) =>
      `${plugin}import { build } from "vite";
await build({
  configFile: false,
  logLevel: "error",
  plugins: [safepoints.vite()],
  ssr: { noExternal: true },
  build: {
    ssr: true,
    outDir: "${out}",
    emptyOutDir: false,
    minify: false,
    sourcemap: true,
    rolldownOptions: {
      input: ${filesOf(entries)},
      output: { format: "${format}", entryFileNames: "${namesFor(format)}" },
    },
  },
});`,
  },

  webpack: {
    packages: { webpack, ...pinned("typescript") },
    findsWorkers: true,
    script: (out, format, entries = main) =>
      packed(
        "webpack",
        `import webpack from "webpack";
import { writeFileSync } from "node:fs";
writeFileSync("loader.cjs", \`const ts = require("typescript");
module.exports = function (code) {
  const fileName = this.resourcePath;
  ${typescript}
  this.callback(null, outputText, JSON.parse(sourceMapText));
};\`);
const pack = webpack;
const use = "./loader.cjs";`,
        out,
        format,
        entries,
      ),
  },

  rspack: {
    packages: { "@rspack/core": rspack },
    findsWorkers: true,
    script: (out, format, entries = main) =>
      packed(
        "rspack",
        `import { rspack as pack } from "@rspack/core";
const options = { jsc: { parser: { syntax: "typescript" } } };
const use = { loader: "builtin:swc-loader", options };`,
        out,
        format,
        entries,
      ),
  },
};

/** With `build.lib`, Vite bundles Workers by itself, as it does for browsers. */
export function viteLibrary(out: string): string {
  return `${plugin}import { build } from "vite";
const rolldownOptions = {
  platform: "node",
  external: [/^node:/],
  output: { entryFileNames: "[name].mjs" },
};
await build({
  configFile: false,
  logLevel: "error",
  base: "./",
  plugins: [safepoints.vite()],
  worker: { format: "es", rolldownOptions },
  build: {
    lib: { entry: "starts.mjs", formats: ["es"] },
    outDir: "${out}",
    minify: false,
    rolldownOptions,
  },
});`;
}

/** What Rollup and Rolldown are to write. */
function written(out: string, format: Format): string {
  const names = namesFor(format);
  return `{ dir: "${out}", entryFileNames: "${names}", format: "${format}", sourcemap: true }`;
}

/** webpack and Rspack, which take the same options. A warning is a failure. */
function packed(
  name: string,
  start: string,
  out: string,
  format: Format,
  entries: readonly string[],
): string {
  const type = format === "esm" ? "module" : "commonjs2";
  return `${plugin}${start}
pack({
  mode: "production",
  target: "node20",
  devtool: "source-map",
  context: process.cwd(),
  entry: ${JSON.stringify(Object.fromEntries(entries.map((name) => [name, `./${name}.mjs`])))},
  output: {
    path: "${out}",
    filename: "${namesFor(format)}",
    module: ${format === "esm"},
    library: { type: "${type}" },
  },
  experiments: { outputModule: ${format === "esm"} },
  module: {
    rules: [{ test: /\\.ts$/, use }],
    // Without it, webpack breaks what it finds behind \`node:\`.
    parser: { javascript: { worker: ["Worker from node:worker_threads"] } },
  },
  plugins: [safepoints.${name}()],
}, (error, stats) => {
  const { errors = [], warnings = [] } = stats?.toJson() ?? {};
  for (const problem of [error, ...errors, ...warnings]) if (problem) throw new Error(problem.message);
});`;
}
