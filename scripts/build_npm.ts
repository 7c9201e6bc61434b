/**
 * Makes the npm package in `npm/`: ESM and CommonJS for Node, with the native libraries beside
 * them.
 */

import { build, emptyDir } from "@deno/dnt";
import { dirname, join } from "node:path/posix";
import * as esbuild from "esbuild";
import ts from "typescript";
import config from "../deno.json" with { type: "json" };
import { repository, withAbsoluteLinks } from "./lib/npm_texts.ts";
import { packLibraries } from "./lib/pack_libraries.ts";
import versions from "./lib/versions.json" with { type: "json" };

/**
 * The oldest runtimes that are tested. These are the first versions of Node that have
 * `process.getBuiltinModule`.
 */
const { deno, bun, node } = versions.oldest;
const engines = {
  node: `^${node[0]} || >=${node[1]}`,
  bun: `>=${bun}`,
  deno: `>=${deno}`,
};

/** The modules that users import, by the names of their files. */
const entries = ["mod", "sqlite"] as const;
type Entry = typeof entries[number];

/**
 * Prepended to the types, because they name globals that not every project has. They cannot be in
 * the source: TypeScript drops the first line, and JSR allows neither. If the DOM or Node declares
 * AbortSignal, TypeScript merges it with the empty one.
 */
const globals = `/// <reference lib="esnext.disposable" />
declare global {
  interface AbortSignal {}
}`;

Deno.chdir(new URL("..", import.meta.url));

await emptyDir("npm");
await build({
  entryPoints: ["./mod.ts", { name: "./sqlite", path: "./sqlite.ts" }],
  outDir: "./npm",
  // The modules look for `Deno` themselves.
  shims: {},
  // dnt would wrap `import.meta` into a polyfill that changes globals, and fails under `node -e`.
  mappings: {
    "./ffi/here.ts": "./scripts/lib/here_npm.ts",
    "./ffi/embedded.ts": "./scripts/lib/embedded_npm.ts",
  },
  // `deno check` and the tests have already checked these sources.
  typeCheck: false,
  test: false,
  // The package has no dependencies.
  skipNpmInstall: true,
  // The package does not have the sources, so it needs no source maps for the types.
  skipSourceOutput: true,
  compilerOptions: { target: "ES2022", lib: ["ESNext"] },
  package: {
    name: "async-interrupt",
    version: config.version,
    description:
      "Code in another thread or in a signal handler interrupts running JavaScript, on Deno, Bun and Node",
    keywords: ["signal", "interrupt", "thread", "worker", "async"],
    homepage: `${repository}#readme`,
    repository: { type: "git", url: `git+${repository}.git` },
    license: config.license,
    bugs: { url: `${repository}/issues` },
    type: "commonjs",
    types: "./script/mod.d.ts",
    exports: {
      ".": {
        import: { types: "./esm/mod.d.ts", default: "./esm/mod.js" },
        require: { types: "./script/mod.d.ts", default: "./script/mod.js" },
      },
      "./sqlite": {
        import: { types: "./esm/sqlite.d.ts", default: "./esm/sqlite.js" },
        require: { types: "./script/sqlite.d.ts", default: "./script/sqlite.js" },
      },
      "./package.json": "./package.json",
    },
    // For TypeScript that does not read `exports`.
    typesVersions: { "*": { sqlite: ["./script/sqlite.d.ts"] } },
    engines,
    sideEffects: false,
    // The dynamic linker cannot open a library inside a zip file.
    preferUnplugged: true,
  },
  async postBuild() {
    const { code, ways, names } = await bundle();
    const types = await readTypes();
    for (const [folder, type] of [["esm", "module"], ["script", "commonjs"]]) {
      await emptyDir(`npm/${folder}`);
      // Bundlers read the nearest package.json.
      const json = JSON.stringify({ type, sideEffects: false }, null, 2);
      await Deno.writeTextFile(`npm/${folder}/package.json`, `${json}\n`);
    }
    const start = `"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
`;
    const all = Object.values(names).flat();
    // By that name async-interrupt-safepoints knows what it must leave as it is, wherever it lies.
    await Deno.writeTextFile(
      "npm/script/all.js",
      `${start}// No $safepoint1C in here.
${code}
${all.map((name) => `exports.${name} = ${name};`).join("\n")}
`,
    );
    // `import` and `require` get the same classes. The ES modules import a small file, because Node
    // scans an imported CommonJS file for its exports, which takes 40 ms for the large one.
    await Deno.writeTextFile(
      "npm/script/for_esm.js",
      'exports.all = require("./all.js");\n',
    );
    for (const [entry, exported] of Object.entries(names)) {
      await Deno.writeTextFile(
        `npm/script/${entry}.js`,
        `${start}const all = require("./all.js");
${exported.map((name) => `exports.${name} = all.${name};`).join("\n")}
`,
      );
      // Destructure once: bundlers read an import again at each use, and `bun build` reads it by a
      // getter, which takes 100 ns on Node.
      await Deno.writeTextFile(
        `npm/esm/${entry}.js`,
        `import { all } from "../script/for_esm.js";
export const { ${exported.join(", ")} } = all;
`,
      );
      await Deno.writeTextFile(
        `npm/esm/${entry}.d.ts`,
        `export * from "../script/${entry}.js";\n`,
      );
    }
    for (const [name, text] of types) {
      await Deno.mkdir(dirname(`npm/script/${name}`), { recursive: true });
      await Deno.writeTextFile(`npm/script/${name}`, text);
    }
    await packLibraries("lib", "npm", ways);
    await copyFiles("include", "npm/include");
    await Deno.copyFile("LICENSE", "npm/LICENSE");
    for (const name of ["README.md", "CHANGELOG.md"]) {
      const text = await Deno.readTextFile(name);
      await Deno.writeTextFile(`npm/${name}`, withAbsoluteLinks(text));
    }
  },
});

/**
 * Bundles all of dnt's modules into one and lists the exports of each entry point: Node takes three
 * times as long to load twenty files.
 */
async function bundle(): Promise<{ code: string; ways: string; names: Record<Entry, string[]> }> {
  const contents = entries.map((entry) => `export * from "./${entry}.js";`).join("\n");
  const build = (options: esbuild.BuildOptions) =>
    esbuild.build({
      ...options,
      bundle: true,
      // Not "cjs": esbuild would make the exports getters.
      format: "esm",
      platform: "node",
      target: "node20",
      write: false,
      metafile: true,
    });
  const { outputFiles } = await build({ stdin: { contents, resolveDir: "npm/esm" } });
  const [whole = ""] = outputFiles![0]!.text.split(/^export \{[^}]*\};\n$/m);
  const { code, ways } = cutWays(whole);
  const names = Object.fromEntries(
    await Promise.all(entries.map(async (entry) => {
      const { metafile } = await build({ entryPoints: [`npm/esm/${entry}.js`], outdir: "npm" });
      return [entry, Object.values(metafile!.outputs)[0]!.exports.sort()];
    })),
  );
  // esbuild renames a class that refers to itself, which would change its `name`.
  const renamed = /\b(\w+) = class (_\1)\b/g;
  const withNames = (text: string) =>
    Array.from(text.matchAll(renamed)).reduce(
      (text, [, name, changed]) => text.replaceAll(RegExp(`\\b${changed}\\b`, "g"), name!),
      text,
    );
  const small = async (text: string) =>
    withoutIndentation(withNames(await simpler(withoutComments(text))))
      .replaceAll("requireEmbedded(", "require(").trimEnd();
  return { code: await small(code), ways: await small(ways), names };
}

/**
 * Takes the modules that open the library on macOS and on Windows out of the bundle: Linux need not
 * read them. On the others script/others.js is read in any case.
 *
 * @returns the bundle, and code that exports a function for the other file.
 */
function cutWays(whole: string): { code: string; ways: string } {
  const modules: string[] = [];
  const rest = whole.replace(
    /^\/\/ npm\/esm\/ffi\/open_(?:macos|windows)\.js\n([^]*?)(?=^\/\/ npm\/)/gm,
    (_, module) => (modules.push(module), ""),
  );
  const cut = modules.join("");
  const used = (name: string, code: string) => RegExp(`(?<![\\w$])${name}(?![\\w$])`).test(code);
  const exported = namesIn(cut).filter((name) => used(name, rest));
  if (exported.join() !== "macosWays,windowsWays") throw new Error(`cannot cut out ${exported}`);
  const imported = namesIn(rest).filter((name) => used(name, cut)).join(", ");
  const calls = exported.map((name) =>
    `function ${name}(...parameters) {
  return requireEmbedded("./others.js").ways({ ${imported} }).${name}(...parameters);
}
`
  );
  return {
    code: rest + calls.join(""),
    ways: `exports.ways = ({ ${imported} }) => {\n${cut}return { ${exported} };\n};\n`,
  };
}

/** The names that the statements of a script declare. */
function namesIn(code: string): string[] {
  const names: string[] = [];
  const add = (name: ts.BindingName | undefined): void => {
    if (name === undefined) return;
    if (ts.isIdentifier(name)) names.push(name.text);
    else for (const element of name.elements) add((element as ts.BindingElement).name);
  };
  for (const statement of ts.createSourceFile("", code, ts.ScriptTarget.ESNext).statements) {
    if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) {
      add(statement.name);
    } else if (ts.isVariableStatement(statement)) {
      for (const { name } of statement.declarationList.declarations) add(name);
    }
  }
  return names;
}

/** With fewer blocks, which V8 reads faster. Names and lines stay: users read them in traces. */
async function simpler(code: string): Promise<string> {
  return (await esbuild.transform(code, { minifySyntax: true, target: "esnext" })).code;
}

/** Comments would make the package 10 KB larger. The types keep theirs. */
function withoutComments(code: string): string {
  const { ESNext } = ts.ScriptTarget;
  const compilerOptions = { removeComments: true, target: ESNext, module: ts.ModuleKind.ESNext };
  return ts.transpileModule(code, { compilerOptions }).outputText;
}

/** Indentation takes engines time. Not in templates: esbuild writes strings with "\n" as such. */
function withoutIndentation(code: string): string {
  const file = ts.createSourceFile("", code, ts.ScriptTarget.ESNext);
  const templates: [start: number, end: number][] = [];
  const visit = (node: ts.Node): void => {
    if (
      ts.isNoSubstitutionTemplateLiteral(node) || ts.isTemplateHead(node) ||
      ts.isTemplateMiddleOrTemplateTail(node)
    ) templates.push([node.getStart(file), node.end]);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return code.replace(
    /^ +/gm,
    (spaces, at) => templates.some(([start, end]) => start < at && at < end) ? spaces : "",
  );
}

/** The declaration files that those of the entry points refer to, by file name. */
async function readTypes(): Promise<Map<string, string>> {
  const types = new Map<string, string>();
  const add = async (name: string) => {
    if (types.has(name)) return;
    const text = await Deno.readTextFile(`npm/script/${name}`);
    types.set(name, text.replaceAll('"@async/interrupt"', '"async-interrupt"'));
    for (const [, imported] of text.matchAll(/from "(\.{1,2}\/.*)\.js"/g)) {
      await add(join(dirname(name), `${imported}.d.ts`));
    }
  };
  for (const entry of entries) {
    const name = `${entry}.d.ts`;
    await add(name);
    types.set(name, `${globals}\n${types.get(name)}`);
  }
  return types;
}

async function copyFiles(from: string, to: string) {
  await Deno.mkdir(to);
  for (const { name } of Deno.readDirSync(from)) {
    await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}

await esbuild.stop();
