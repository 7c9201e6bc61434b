/** How users bundle `main.mjs` with safepoints: one script for each bundler. */

import config from "../../deno.json" with { type: "json" };
import type { Format } from "./bundlers.ts";
import versions from "./versions.json" with { type: "json" };

/** A bundler. */
export interface PluginBuild {
  /** What the project needs for it, with versions. */
  packages: Record<string, string>;
  /** It is the runtime itself. */
  isBun?: boolean;
  /** The script, a module; writes the bundle to `out`, a folder, as `main.mjs` or `main.cjs`. */
  script(out: string, format: Format): string;
}

const { webpack, "@rspack/core": rspack } = versions.ship;
const { rolldown } = versions.plugins;
const pinned = (name: keyof typeof config.imports) => {
  const specifier = config.imports[name];
  return { [name]: specifier.slice(specifier.lastIndexOf("@") + 1) };
};
const plugin = 'import safepoints from "async-interrupt-safepoints/plugin";\n';
const nameOf = (format: Format) => format === "esm" ? "main.mjs" : "main.cjs";

/** Compiles TypeScript, since Rollup and webpack do not. */
const typescript = `const { outputText, sourceMapText } = ts.transpileModule(code, {
  fileName,
  compilerOptions: { target: "es2022", module: "esnext", sourceMap: true },
});`;

export const pluginBuilds: Readonly<Record<string, PluginBuild>> = {
  esbuild: {
    packages: pinned("esbuild"),
    script: (out, format) =>
      `${plugin}import { build } from "esbuild";
await build({
  entryPoints: ["main.mjs"],
  outfile: "${out}/${nameOf(format)}",
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
    script: (out, format) =>
      `${plugin}await Bun.build({
  entrypoints: ["main.mjs"],
  outdir: "${out}",
  naming: "${nameOf(format)}",
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
    script: (out, format) =>
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
  input: "main.mjs",
  plugins: [safepoints.rollup(), typescript, nodeResolve(), commonjs()],
  onwarn: ({ message }) => { throw new Error(message) },
});
await bundle.write({ file: "${out}/${nameOf(format)}", format: "${format}", sourcemap: true });`,
  },

  rolldown: {
    packages: { rolldown },
    script: (out, format) =>
      `${plugin}import { rolldown } from "rolldown";
const bundle = await rolldown({
  input: "main.mjs",
  platform: "node",
  plugins: [safepoints.rolldown()],
});
await bundle.write({ file: "${out}/${nameOf(format)}", format: "${format}", sourcemap: true });`,
  },

  vite: {
    packages: pinned("vite"),
    script: (out, format) =>
      `${plugin}import { build } from "vite";
await build({
  configFile: false,
  logLevel: "error",
  plugins: [safepoints.vite()],
  ssr: { noExternal: true },
  build: {
    ssr: "main.mjs",
    outDir: "${out}",
    emptyOutDir: false,
    minify: false,
    sourcemap: true,
    rolldownOptions: { output: { format: "${format}", entryFileNames: "${nameOf(format)}" } },
  },
});`,
  },

  webpack: {
    packages: { webpack, ...pinned("typescript") },
    script: (out, format) =>
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
      ),
  },

  rspack: {
    packages: { "@rspack/core": rspack },
    script: (out, format) =>
      packed(
        "rspack",
        `import { rspack as pack } from "@rspack/core";
const options = { jsc: { parser: { syntax: "typescript" } } };
const use = { loader: "builtin:swc-loader", options };`,
        out,
        format,
      ),
  },
};

/** webpack and Rspack, which take the same options. A warning is a failure. */
function packed(name: string, start: string, out: string, format: Format): string {
  const type = format === "esm" ? "module" : "commonjs2";
  return `${plugin}${start}
pack({
  mode: "production",
  target: "node20",
  devtool: "source-map",
  context: process.cwd(),
  entry: "./main.mjs",
  output: {
    path: "${out}",
    filename: "${nameOf(format)}",
    module: ${format === "esm"},
    library: { type: "${type}" },
  },
  experiments: { outputModule: ${format === "esm"} },
  module: { rules: [{ test: /\\.ts$/, use }] },
  plugins: [safepoints.${name}()],
}, (error, stats) => {
  const { errors = [], warnings = [] } = stats?.toJson() ?? {};
  for (const problem of [error, ...errors, ...warnings]) if (problem) throw new Error(problem.message);
});`;
}
