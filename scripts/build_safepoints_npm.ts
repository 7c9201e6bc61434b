/**
 * Makes the npm package of `safepoints/` in `build/npm_safepoints/`.
 *
 * It is ES modules, one for each source: so they find one another by their own URLs, as in the
 * repository. Only what `./register` loads is one module, for programs to start sooner. The parser,
 * magic-string and unplugin are ES modules too, so a copy in CommonJS would run nowhere where
 * `require()` cannot load these. `./runtime` needs none of them: programs import it that were built
 * for CommonJS.
 */

import { dirname } from "node:path/posix";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import ts from "typescript";
import core from "../deno.json" with { type: "json" };
import config from "../safepoints/deno.json" with { type: "json" };
import { repository, withAbsoluteLinks } from "./lib/npm_texts.ts";
import { toJavaScript } from "./lib/transpile.ts";
import { tracked } from "./lib/tracked.ts";
import versions from "./lib/versions.json" with { type: "json" };

const from = new URL("../safepoints/", import.meta.url);
const to = new URL("../build/npm_safepoints/", import.meta.url);

await Deno.remove(to, { recursive: true }).catch(() => {});
const sources = await tracked("--cached", "--others", "--exclude-standard", "safepoints/*.ts");
for (const source of sources) {
  const file = source.replace(/^safepoints\/(.*)\.ts$/, "$1");
  const text = withNpmName(await Deno.readTextFile(new URL(`${file}.ts`, from)));
  await writeText(`esm/${file}.js`, toJavaScript(text, source));
  await writeText(`esm/${file}.d.ts`, typesOf(text, source));
}
await joinModules("esm/src/register", "all.js", "../../runtime.js");
const register = await Deno.readTextFile(new URL("esm/register.js", to));
await writeText("esm/register.js", register.replace('import "./runtime.js";\n', ""));
for (const file of ["runtime", "src/poll"]) {
  const text = withNpmName(await Deno.readTextFile(new URL(`${file}.ts`, from)));
  await writeText(`script/${file}.js`, toCommonJs(text));
}
await writeText("script/runtime.d.ts", "export {};\n");
await writeText("script/package.json", json({ type: "commonjs" }));
await writeText("package.json", json(packageJson()));
await Deno.copyFile(new URL("../LICENSE", from), new URL("LICENSE", to));
const readme = await Deno.readTextFile(new URL("README.md", from));
await writeText("README.md", withAbsoluteLinks(readme, "safepoints/"));

function packageJson(): object {
  const { deno, bun } = versions.oldest;
  const entries = Object.entries(config.exports)
    .map(([name, file]) => [name, file.replace(/^\.\/(.*)\.ts$/, "$1")] as const);
  return {
    name: "async-interrupt-safepoints",
    version: config.version,
    description: "Interrupts endless loops in JavaScript that never heard of it: " +
      "a safepoint in every loop, at run time or at build time, on Deno, Bun and Node",
    keywords: ["interrupt", "timeout", "infinite-loop", "signal", "vite-plugin", "esbuild-plugin"],
    homepage: `${repository}/tree/HEAD/safepoints#readme`,
    repository: { type: "git", url: `git+${repository}.git`, directory: "safepoints" },
    license: config.license,
    bugs: { url: `${repository}/issues` },
    type: "module",
    main: "./esm/mod.js",
    types: "./esm/mod.d.ts",
    // For TypeScript that does not read `exports`.
    typesVersions: {
      "*": Object.fromEntries(
        entries.slice(1).map(([name, file]) => [name.slice(2), [`./esm/${file}.d.ts`]]),
      ),
    },
    exports: {
      ...Object.fromEntries(entries.map(([name, file]) => [name, {
        types: `./esm/${file}.d.ts`,
        default: `./esm/${file}.js`,
      }])),
      "./runtime": {
        import: { types: "./esm/runtime.d.ts", default: "./esm/runtime.js" },
        require: { types: "./script/runtime.d.ts", default: "./script/runtime.js" },
      },
      "./package.json": "./package.json",
    },
    bin: "./run" in config.exports ? { "async-interrupt-safepoints": "./esm/run.js" } : undefined,
    // What oxc-parser and unplugin need. `./register` needs 22.15, and says so.
    engines: { node: "^20.19.0 || >=22.12.0", bun: `>=${bun}`, deno: `>=${deno}` },
    sideEffects: ["./esm/register.js", "./esm/run.js", "./esm/runtime.js", "./script/runtime.js"],
    dependencies: {
      "async-interrupt": core.version,
      ...Object.fromEntries(
        Object.entries(config.imports)
          .map(([name, specifier]) => [name, specifier.slice(specifier.lastIndexOf("@") + 1)]),
      ),
    },
  };
}

function withNpmName(source: string): string {
  return source.replaceAll('"@async/interrupt', '"async-interrupt');
}

/**
 * Bundles all that a module imports into it, after another one, and leaves nothing else in its
 * folder.
 */
async function joinModules(folder: string, module: string, first: string): Promise<void> {
  const url = new URL(`${folder}/`, to);
  const { outputFiles } = await esbuild.build({
    absWorkingDir: fileURLToPath(url),
    entryPoints: [module],
    inject: [first],
    // entry.js finds others by where it lies itself.
    external: [...Object.keys(config.imports), "../entry.js"],
    outdir: ".",
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node22",
    write: false,
  });
  await esbuild.stop();
  await Deno.remove(url, { recursive: true });
  await writeText(`${folder}/${module}`, outputFiles[0]!.text);
}

function toCommonJs(source: string): string {
  const { ES2022 } = ts.ScriptTarget;
  const compilerOptions: ts.CompilerOptions = {
    target: ES2022,
    module: ts.ModuleKind.CommonJS,
    rewriteRelativeImportExtensions: true,
  };
  return ts.transpileModule(source, { compilerOptions }).outputText;
}

function typesOf(source: string, fileName: string): string {
  const { outputText } = ts.transpileDeclaration(source, { fileName });
  return outputText.replaceAll(/((?:from|import) "\.[^"]*)\.ts"/g, '$1.js"');
}

async function writeText(file: string, text: string): Promise<void> {
  await Deno.mkdir(new URL(dirname(file) + "/", to), { recursive: true });
  await Deno.writeTextFile(new URL(file, to), text);
}

function json(value: object): string {
  return JSON.stringify(value, null, 2) + "\n";
}
