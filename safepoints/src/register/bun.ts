import { isCommonJs } from "./commonjs.ts";
import { remember } from "./columns.ts";
import { builtin, fs, module as moduleModule, pathToFileURL, process } from "../node.ts";
import { transform } from "./transform.ts";

/** The part of Bun that is used here. */
interface Bun {
  plugin(plugin: { name: string; setup(build: Build): void }): void;
  Transpiler: new (options: { loader: string; target: string }) => {
    transformSync(code: string): string;
  };
}
interface Build {
  onLoad(filter: { filter: RegExp }, load: (file: { path: string }) => Loaded): void;
}
type Loaded = { loader: string; contents: string } | { loader: "object"; exports: object };

/** A module of CommonJS. */
interface CommonJs {
  id: string;
  filename: string;
  paths: string[];
  loaded: boolean;
  exports: unknown;
  _compile(code: string, filename: string): void;
}
interface ModuleClass {
  new (id: string): CommonJs;
  _cache: Record<string, CommonJs | undefined>;
  _nodeModulePaths(folder: string): string[];
}

/** Instruments what Bun loads from now on. */
export function registerInBun(): void {
  const { Bun } = globalThis as unknown as { Bun: Bun };
  Bun.plugin({
    name: "async-interrupt-safepoints",
    setup: (build) =>
      void build.onLoad({ filter: /\.[cm]?[jt]sx?$/ }, ({ path }) => load(Bun, path)),
  });
}

/** Nothing was loaded yet: the next file is the program. */
let isFirst = true;

/** Bun allows no answer that leaves a file to it. */
function load(bun: Bun, path: string): Loaded {
  const isProgram = isFirst;
  isFirst = false;
  const source = fs.readFileSync(path, "utf8");
  const extension = /\.[cm]?[jt]sx?$/.exec(path)![0];
  const loader = /t/.test(extension) ? /x/.test(extension) ? "tsx" : "ts" : "jsx";
  // Bun takes JSX in all JavaScript files.
  const url = pathToFileURL(path).href;
  const transformed = transform(url, source, extension.replace(/js$/, "jsx"));
  if (transformed === undefined) return { contents: source, loader };
  const { code, kind } = transformed;
  if (!isCommonJs(kind, extension, source)) {
    remember(url, transformed);
    // Bun takes a text without any import or export for CommonJS if it has words of that, as
    // bundles have, and does not run it.
    return { contents: `${code}\n;export {};`, loader };
  }
  // Lines of TypeScript are lost: Bun's transpiler makes no source map.
  if (loader === "jsx") remember(url, { ...transformed, before: before ??= columnsBefore() });
  const plain = loader === "jsx" ? code : new bun.Transpiler({ loader, target: "bun" })
    .transformSync(code);
  // Not after the insertions, which are one text only when the engine needs it.
  const text = source.startsWith("#!") ? plain.replace(/^#!.*/, "") : plain;
  const { exports } = compile(text, path, isProgram);
  const named = { ...Object(exports), "module.exports": exports };
  delete named.__esModule;
  // As Bun does it.
  if (!Object(exports).__esModule || !("default" in named)) named.default = exports;
  return { loader: "object", exports: named };
}

/** Bun would take the text for that of an ES module. */
function compile(code: string, path: string, isProgram: boolean): CommonJs {
  const Module = moduleModule as unknown as ModuleClass;
  const module = new Module(isProgram ? "." : path);
  module.filename = path;
  module.paths = Module._nodeModulePaths(builtin("node:path").dirname(path));
  if (isProgram) (process as { mainModule?: unknown }).mainModule = module;
  // Modules that import one another in a circle find it there.
  Module._cache[path] = module;
  try {
    // Bun calls it without a `this`.
    module._compile(wrapped(code), path);
    module.loaded = true;
  } catch (error) {
    delete Module._cache[path];
    throw error;
  }
  return module;
}

const parameters = "exports, require, module, __filename, __dirname";

function wrapped(code: string): string {
  return `(function (${parameters}) {${code}\n}).call(exports, ${parameters});`;
}

/** How many columns stand before the first line of CommonJS: this wrapper and that of Bun. */
let before: number | undefined;

/**
 * Finds that out by a stack. Must not be called while another stack is made: Bun does not call
 * `Error.prepareStackTrace` inside of itself.
 */
function columnsBefore(): number {
  const errors = Error as { prepareStackTrace?: unknown };
  const { prepareStackTrace } = errors;
  const module = new (moduleModule as unknown as ModuleClass)("");
  try {
    errors.prepareStackTrace = (_: Error, [site]: NodeJS.CallSite[]) => site!.getColumnNumber();
    const text = "exports.column = ";
    module._compile(wrapped(`${text}new Error().stack`), "");
    return (module.exports as { column: number }).column - text.length - 1;
  } finally {
    errors.prepareStackTrace = prepareStackTrace;
  }
}
