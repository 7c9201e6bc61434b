/**
 * Stands in for `jsr:@deno/dnt` where JSR cannot be reached: as much as build_npm.ts uses of it, laid out alike. What
 * is published is made with the real one.
 */

import ts from "typescript";

/** What is used of dnt's options. */
export interface BuildOptions {
  entryPoints: string[];
  outDir: string;
  shims: { deno: "dev" };
  typeCheck: false;
  test: false;
  compilerOptions: { target: "ES2022"; lib: string[] };
  importMap?: string;
  configFile?: false;
  package: Record<string, unknown>;
  postBuild?: () => void | Promise<void>;
}

/** Makes the folder, or makes it empty. */
export async function emptyDir(dir: string): Promise<void> {
  await Deno.remove(dir, { recursive: true }).catch(() => {});
  await Deno.mkdir(dir, { recursive: true });
}

/** Compiles the modules twice, as ESM and as CommonJS, and describes them in package.json. */
export async function build(options: BuildOptions): Promise<void> {
  const { outDir, entryPoints } = options;
  emit(entryPoints, `${outDir}/esm`, ts.ModuleKind.ESNext);
  emit(entryPoints, `${outDir}/script`, ts.ModuleKind.CommonJS);
  await writeJson(`${outDir}/esm/package.json`, { type: "module" });
  await writeJson(`${outDir}/script/package.json`, { type: "commonjs" });
  const entry = entryPoints[0].replace(/^\.\/(.*)\.ts$/, "$1.js");
  await writeJson(`${outDir}/package.json`, {
    ...options.package,
    main: `./script/${entry}`,
    module: `./esm/${entry}`,
    exports: {
      ".": { import: `./esm/${entry}`, require: `./script/${entry}` },
    },
  });
  await options.postBuild?.();
}

function emit(files: string[], outDir: string, module: ts.ModuleKind) {
  const program = ts.createProgram(files, {
    declaration: true,
    lib: ["lib.esnext.d.ts"],
    module,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    noCheck: true,
    outDir,
    resolveJsonModule: true,
    rewriteRelativeImportExtensions: true,
    rootDir: Deno.cwd(),
    target: ts.ScriptTarget.ES2022,
    types: [],
  });
  const before = module === ts.ModuleKind.CommonJS ? [replaceImportMeta] : [];
  const { diagnostics } = program
    .emit(undefined, undefined, undefined, false, { before });
  if (diagnostics.length === 0) return;
  throw new Error(ts.formatDiagnostics(diagnostics, {
    getCanonicalFileName: (name) => name,
    getCurrentDirectory: Deno.cwd,
    getNewLine: () => "\n",
  }));
}

/** `import.meta` is a syntax error in CommonJS. */
function replaceImportMeta(
  context: ts.TransformationContext,
): ts.Transformer<ts.SourceFile> {
  const visit = (node: ts.Node): ts.Node =>
    ts.isMetaProperty(node) &&
      node.keywordToken === ts.SyntaxKind.ImportKeyword
      ? ts.factory.createIdentifier(
        `({ url: require("node:url").pathToFileURL(__filename).href })`,
      )
      : ts.visitEachChild(node, visit, context);
  return (file) => ts.visitNode(file, visit, ts.isSourceFile);
}

function writeJson(file: string, value: unknown): Promise<void> {
  return Deno.writeTextFile(file, JSON.stringify(value, null, 2) + "\n");
}
