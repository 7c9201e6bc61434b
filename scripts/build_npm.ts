/** Makes the npm package in `npm/`: ESM and CommonJS for Node, with the native libraries beside them. */

import { build, emptyDir } from "@deno/dnt";
import * as esbuild from "esbuild";
import config from "../deno.json" with { type: "json" };

Deno.chdir(new URL("..", import.meta.url));

await emptyDir("npm");
await build({
  entryPoints: ["./mod.ts"],
  outDir: "./npm",
  // The modules ask for `Deno` by themselves.
  shims: {},
  // `deno check` and the tests have seen the same sources.
  typeCheck: false,
  test: false,
  // There is nothing to install.
  skipNpmInstall: true,
  // Nor maps from the types to sources that are not in the package.
  skipSourceOutput: true,
  compilerOptions: { target: "ES2022", lib: ["ESNext"] },
  package: {
    name: "async-interrupt",
    version: config.version,
    description:
      "Code in another thread or in a signal handler interrupts running JavaScript, on Deno, Bun and Node",
    keywords: ["signal", "interrupt", "thread", "worker", "async"],
    license: config.license,
    types: "./script/mod.d.ts",
    // Those that have process.getBuiltinModule().
    engines: { node: "^20.16.0 || >=22.3.0" },
    // A library cannot be opened inside a zip.
    preferUnplugged: true,
  },
  async postBuild() {
    const modules = [
      await bundle("esm", {}),
      await bundle("cjs", {
        define: { "import.meta": "importMeta" },
        banner: {
          js: 'const importMeta = { url: require("node:url")' +
            ".pathToFileURL(__filename).href };",
        },
      }),
    ];
    for (const folder of ["npm/esm", "npm/script"]) {
      await removeModules(folder);
      await Deno.writeFile(`${folder}/mod.js`, modules.shift()!);
      const types = await Deno.readTextFile(`${folder}/mod.d.ts`);
      await Deno.writeTextFile(
        `${folder}/mod.d.ts`,
        types.replace(/^import "\.\/_dnt\..*\n/m, ""),
      );
    }
    await Deno.mkdir("npm/lib");
    for (const { name } of Deno.readDirSync("lib")) {
      await Deno.copyFile(`lib/${name}`, `npm/lib/${name}`);
    }
    for (const name of ["README.md", "LICENSE", "CHANGELOG.md"]) {
      await Deno.copyFile(name, `npm/${name}`);
    }
  },
});

/**
 * One module of each kind: Node takes three times as long to import twenty. From the sources, since dnt wraps
 * `import.meta` into a polyfill that changes globals, and fails under `node -e`.
 */
async function bundle(
  format: "esm" | "cjs",
  options: esbuild.BuildOptions,
): Promise<Uint8Array> {
  const { outputFiles } = await esbuild.build({
    entryPoints: ["mod.ts"],
    bundle: true,
    format,
    platform: "node",
    target: "node20",
    ...options,
    write: false,
  });
  return outputFiles[0].contents;
}

/** But not their types, save dnt's own, which change those of `import.meta` and need @types/node. */
async function removeModules(folder: string) {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) await removeModules(path);
    else if (/\.js$|^_dnt\./.test(name)) await Deno.remove(path);
  }
}

await esbuild.stop();
