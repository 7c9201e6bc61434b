/** Makes the npm package in `npm/`: ESM and CommonJS for Node, with the native libraries beside them. */

import { build, emptyDir } from "@deno/dnt";
import config from "../deno.json" with { type: "json" };

Deno.chdir(new URL("..", import.meta.url));
const importMap = Deno.env.get("ASYNC_INTERRUPT_IMPORT_MAP");

await emptyDir("npm");
await build({
  entryPoints: ["./mod.ts"],
  outDir: "./npm",
  // The modules ask for `Deno` by themselves.
  shims: { deno: "dev" },
  // `deno check` and the tests have seen the same sources.
  typeCheck: false,
  test: false,
  compilerOptions: { target: "ES2022", lib: ["ESNext"] },
  ...importMap ? { importMap, configFile: false } : {},
  package: {
    name: "async-interrupt",
    version: config.version,
    description:
      "Code in another thread or in a signal handler interrupts running JavaScript, on Deno, Bun and Node",
    keywords: ["signal", "interrupt", "thread", "worker", "async"],
    license: config.license,
    types: "./script/mod.d.ts",
    engines: { node: ">=20" },
    // A library cannot be opened inside a zip.
    preferUnplugged: true,
  },
  async postBuild() {
    await Deno.mkdir("npm/lib");
    for (const { name } of Deno.readDirSync("lib")) {
      await Deno.copyFile(`lib/${name}`, `npm/lib/${name}`);
    }
    for (const name of ["README.md", "LICENSE", "CHANGELOG.md"]) {
      await Deno.copyFile(name, `npm/${name}`);
    }
  },
});
