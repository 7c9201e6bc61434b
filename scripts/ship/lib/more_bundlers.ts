import { dirname, relative } from "node:path";
import { bundlers, type Format } from "../../lib/bundlers.ts";
import { run } from "../../lib/run.ts";
import { node } from "../../lib/toolchain.ts";
import { tools } from "./tools.ts";

/** Bundles a program into the folder of `output`, which runs. */
type Bundle = (input: string, output: string, format: Format) => Promise<void>;

/** The bundlers of the gate, and those that take longer or are asked for less. */
export const moreBundlers: Readonly<Record<string, Bundle>> = {
  ...bundlers,
  webpack: (...paths) => packed("webpack", ...paths),
  rspack: (...paths) => packed("@rspack/core", ...paths),

  async parcel(input, output, format) {
    const folder = dirname(input);
    const name = `package-${crypto.randomUUID()}`;
    const project = `${folder}/${name}`;
    await Deno.mkdir(project);
    const target = {
      // What begins with "/" Parcel takes for a path in the project.
      source: relative(project, input),
      distDir: relative(project, dirname(output)),
      context: "node",
      engines: { node: ">=20" },
      includeNodeModules: true,
      outputFormat: format === "esm" ? "esmodule" : "commonjs",
      optimize: false,
      sourceMap: false,
    };
    const json = JSON.stringify({ name, targets: { bundle: target } });
    await Deno.writeTextFile(`${project}/package.json`, json);
    const parcel = `${await tools()}/node_modules/parcel/lib/bin.js`;
    const command = [await node("22"), parcel, "build", "--no-cache", "--target=bundle"];
    await demand(project, ...command);
    await Deno.rename(output.replace(/[^/]*$/, "main.js"), output);
  },

  async ncc(input, output, format) {
    const ncc = `${await tools()}/node_modules/@vercel/ncc/dist/ncc/cli.js`;
    const folder = dirname(output);
    await demand(dirname(input), await node("22"), ncc, "build", input, "-o", folder);
    const made = Array.from(Deno.readDirSync(folder), ({ name }) => name)
      .find((name) => /^index\.[cm]?js$/.test(name));
    await Deno.rename(`${folder}/${made}`, `${folder}/main.${format === "esm" ? "mjs" : "cjs"}`);
  },
};

/** Why a bundler cannot make such a bundle. */
export function cannotBundle(
  name: string,
  kind: "mjs" | "cjs",
  format: Format,
): string | undefined {
  const same = (kind === "mjs") === (format === "esm");
  return name === "ncc" && !same ? "ncc keeps the format of the program" : undefined;
}

/** webpack and rspack, which take the same options. A warning is a failure. */
async function packed(name: string, input: string, output: string, format: Format) {
  const options = {
    mode: "production",
    target: "node20",
    entry: input,
    output: {
      path: dirname(output),
      filename: output.slice(dirname(output).length + 1),
      module: format === "esm",
      library: { type: format === "esm" ? "module" : "commonjs2" },
    },
    experiments: { outputModule: format === "esm" },
    context: dirname(input),
  };
  const code = `
    let { default: pack } = await import(process.argv[1]);
    pack = pack.rspack ?? pack;
    pack(${JSON.stringify(options)}).run((error, stats) => {
      const { errors = [], warnings = [] } = stats?.toJson() ?? {};
      for (const problem of [error, ...errors, ...warnings]) {
        if (!problem) continue;
        console.log(problem.message);
        process.exitCode = 1;
      }
    });`;
  const modules = `file://${await tools()}/node_modules/`;
  const resolve = `require("node:module").createRequire("${modules}").resolve("${name}")`;
  const path = (await demand(".", await node("22"), "-p", resolve)).trim();
  await demand(
    dirname(input),
    ...[await node("22"), "--input-type=module", "-e", code, `file://${path}`],
  );
}

async function demand(cwd: string, ...command: string[]): Promise<string> {
  const { ok, output } = await run(command, { cwd, timeout: 120 });
  if (!ok) throw new Error(`${command.join(" ")}\n${output}`);
  return output;
}
