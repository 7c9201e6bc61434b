import { module as moduleModule, pathToFileURL } from "../node.ts";
import { hasCommonJsWord, parameters as names } from "../commonjs.ts";
import type { Instrumented } from "./columns.ts";
import type { KeptText } from "./kept_texts.ts";
import { transform } from "./transform.ts";

/** The part of Bun that is used here. */
export interface Transpiling {
  Transpiler: new (options: { loader: string; target: string }) => {
    transformSync(code: string): string;
  };
}

/** What Bun is to be given for a file. */
export interface BunText extends KeptText {
  /** The name of its entry in the cache; none if there is no cache. */
  key: string | undefined;
  /** Where safepoints are in it, if that is known. */
  places: Instrumented | undefined;
}

/** How Bun is to read the text of a file. */
export function loaderOf(path: string): "jsx" | "ts" | "tsx" {
  const [, language] = /\.[cm]?([jt]sx?)$/.exec(path)!;
  // Bun takes JSX in all JavaScript files.
  return /^j/.test(language!) ? "jsx" : language as "ts" | "tsx";
}

/**
 * Whether it is a module of CommonJS is for Bun a matter of the text alone.
 *
 * @returns undefined if the source cannot be parsed: then Bun says why.
 */
export function bunText(bun: Transpiling, path: string, source: string): BunText | undefined {
  const loader = loaderOf(path);
  const url = pathToFileURL(path).href;
  const transformed = transform(url, source, `.${loader}`);
  if (transformed === undefined) return undefined;
  const { code, kind, key } = transformed;
  if (loader === "jsx" ? kind === "module" : isModule(source)) {
    // Bun takes a text without any import or export for CommonJS if it has words of that, as
    // bundles have, and does not run it.
    return { kind: "module", text: `${code}\n;export {};`, key, places: transformed };
  }
  const plain = loader === "jsx" ? code : transpiled(bun, code, loader);
  // Not after the insertions, which are one text only when the engine needs it.
  const text = source.startsWith("#!") ? plain.replace(/^#!.*/, "") : plain;
  // Lines of TypeScript are lost: Bun's transpiler makes no source map.
  const places = loader === "jsx" ? { ...transformed, before: columnsBefore() } : undefined;
  return { kind: "commonjs", text: wrapped(text), key, places };
}

/** JavaScript of a module of CommonJS. Bun declares at its beginning what such a module has. */
function transpiled(bun: Transpiling, code: string, loader: string): string {
  const text = new bun.Transpiler({ loader, target: "bun" }).transformSync(code);
  return text.replace(declared, "");
}

const declared =
  /^(?:var (?:\{\s*require\s*\}\s*=\s*import\.meta|__\w+ = "[^"\n]*"(?:, __\w+ = "[^"\n]*")*);\s*)+/;

/**
 * Whether TypeScript is an ES module for Bun: to import types alone does not make it one. Most
 * scripts are right as modules, too, and keep their lines.
 */
function isModule(source: string): boolean {
  if (/\bexport\s*=/.test(source)) return false;
  return !hasCommonJsWord(source) || importOrExport.test(source) || declares.test(source);
}

/** The body of a function cannot declare its parameters anew. Functions in it, indented, can. */
const declares = new RegExp(`^(?:const|let|class)\\s+(?:${names.join("|")})\\b`, "m");

const importOrExport =
  /\bimport\.meta\b|(?:^|[;}])\s*(?:import\b(?!\s*(?:type\b|[(.]|\w+\s*=))|export\b|await\b)/m;

const parameters = names.join(", ");

/** Bun calls it without a `this`. */
function wrapped(code: string): string {
  return `(function (${parameters}) {${code}\n}).call(exports, ${parameters});`;
}

let before: number | undefined;

/**
 * How many columns stand before the first line of CommonJS: this wrapper and that of Bun. A stack
 * tells. The first call must not come while another stack is made: Bun does not call
 * `Error.prepareStackTrace` inside of itself.
 */
export function columnsBefore(): number {
  if (before !== undefined) return before;
  const errors = Error as { prepareStackTrace?: unknown };
  const { prepareStackTrace } = errors;
  const module = new (moduleModule as unknown as typeof BunModule)("");
  try {
    errors.prepareStackTrace = (_: Error, [site]: NodeJS.CallSite[]) => site!.getColumnNumber();
    const text = "exports.column = ";
    module._compile(wrapped(`${text}new Error().stack`), "");
    return before = module.exports.column - text.length - 1;
  } finally {
    errors.prepareStackTrace = prepareStackTrace;
  }
}

declare class BunModule {
  constructor(id: string);
  exports: { column: number };
  _compile(code: string, filename: string): void;
}
