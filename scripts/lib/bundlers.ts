/** The bundlers that people use with the npm package, configured for programs on a server. */

import commonjs from "@rollup/plugin-commonjs";
import { nodeResolve } from "@rollup/plugin-node-resolve";
import * as esbuild from "esbuild";
import { basename, dirname } from "node:path";
import { type Plugin, rollup } from "rollup";
import * as vite from "vite";
import { run } from "./run.ts";
import { bun } from "./toolchain.ts";

export type Format = "esm" | "cjs";

/** Bundles the program and everything that it imports into one file. */
type Bundle = (input: string, output: string, format: Format) => Promise<void>;

export const bundlers: Record<string, Bundle> = {
  async esbuild(input, output, format) {
    await esbuild.build({
      entryPoints: [input],
      outfile: output,
      bundle: true,
      format,
      platform: "node",
      logLevel: "error",
    });
  },

  async rollup(input, output, format) {
    const bundle = await rollup({
      input,
      // The types of this plugin describe another module format than it has.
      plugins: [nodeResolve(), (commonjs as unknown as () => Plugin)()],
      onwarn: ({ message }) => {
        throw new Error(message);
      },
    });
    await bundle.write({ file: output, format });
    await bundle.close();
  },

  async vite(input, output, format) {
    await vite.build({
      root: dirname(input),
      configFile: false,
      logLevel: "error",
      ssr: { noExternal: true },
      build: {
        ssr: input,
        outDir: dirname(output),
        emptyOutDir: false,
        minify: false,
        rolldownOptions: {
          output: { format, entryFileNames: basename(output) },
        },
      },
    });
  },

  async "bun build"(input, output, format) {
    await command(
      dirname(input),
      await bun(),
      "build",
      "--target=node",
      `--format=${format}`,
      `--outfile=${output}`,
      input,
    );
  },

  async "deno bundle"(input, output, format) {
    await command(
      dirname(input),
      Deno.execPath(),
      "bundle",
      `--format=${format}`,
      `--output=${output}`,
      input,
    );
  },
};

async function command(cwd: string, ...command: string[]) {
  const { ok, output } = await run(command, { cwd });
  if (!ok) throw new Error(`${command.join(" ")}\n${output}`);
}
