import * as esbuild from "esbuild";
import { dirname } from "node:path";
import { run } from "../../lib/run.ts";
import { node, nodeVersions } from "../../lib/toolchain.ts";
import { runtimes } from "./runtimes.ts";
import { tools } from "./tools.ts";

/** A way to make one file of a program that runs on one runtime. */
export interface Executable {
  /** The runtime inside, by its name in {@linkcode runtimes}. */
  where: string;
  /** @returns the command that runs what was made. */
  make(input: string, output: string): Promise<string[]>;
  /** Says of an error whether it cannot be made here at all, and why. */
  impossible?(error: string): string | undefined;
}

const bun = (...flags: string[]): Executable => ({
  where: "Bun",
  async make(input, output) {
    const compiled = flags.includes("--compile");
    // --bytecode without --compile writes two files.
    const to = compiled ? `--outfile=${output}` : `--outdir=${dirname(output)}`;
    await demand(...runtimes.Bun!, "build", ...flags, input, to);
    return compiled ? [output] : [...runtimes.Bun!, `${output}.js`];
  },
});

/** A single executable application: a copy of Node with the program in it. */
const sea = (major: string): Executable => ({
  where: `Node ${major}`,
  async make(input, output) {
    const config = `${output}.json`;
    await esbuild.build({
      entryPoints: [input],
      outfile: `${output}.cjs`,
      bundle: true,
      format: "cjs",
      platform: "node",
      logLevel: "error",
    });
    const options = {
      main: `${output}.cjs`,
      output: `${output}.blob`,
      disableExperimentalSEAWarning: true,
    };
    await Deno.writeTextFile(config, JSON.stringify(options));
    const path = await node(major);
    await demand(path, "--experimental-sea-config", config);
    await Deno.copyFile(path, output);
    await demand(
      ...[await node("22"), `${await tools()}/node_modules/postject/dist/cli.js`, output],
      ...["NODE_SEA_BLOB", `${output}.blob`],
      ...["--sentinel-fuse", "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2"],
    );
    return [output];
  },
});

const denoCompile: Executable = {
  where: "Deno",
  async make(input, output) {
    const flags = ["--no-check", "--no-prompt", "--allow-ffi", "--node-modules-dir=manual"];
    await demand(Deno.execPath(), "compile", ...flags, `--output=${output}`, input);
    return [output];
  },
  impossible: (error) =>
    /dl\.deno\.land/.test(error)
      ? "it downloads a part of Deno (denort) that no npm package has"
      : undefined,
};

/** By name. */
export const executables: Readonly<Record<string, Executable[]>> = {
  "bun build --target=bun": [bun("--target=bun")],
  "bun build --target=bun --format=cjs": [bun("--target=bun", "--format=cjs")],
  "bun build --bytecode": [bun("--target=bun", "--bytecode")],
  "bun build --compile": [bun("--compile")],
  "bun build --compile --bytecode": [bun("--compile", "--bytecode")],
  "bun build --compile --bytecode --format=esm": [bun("--compile", "--bytecode", "--format=esm")],
  "Node's single executable applications": nodeVersions.map(sea),
  "deno compile": [denoCompile],
};

async function demand(...command: string[]): Promise<void> {
  const { ok, output } = await run(command, { timeout: 120 });
  if (!ok) throw new Error(`${command.join(" ")}\n${output}`);
}
