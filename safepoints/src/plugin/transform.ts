import { dirname, extname } from "node:path";
import { fileURLToPath } from "node:url";
import * as oxc from "oxc-parser";
import { analyze } from "../analyze.ts";
import { type Engine, textsOf } from "../poll.ts";
import { chainedMap, edited } from "../source_map.ts";
import { packageType } from "./package_type.ts";

/** What the bundler does, besides what the user wants. */
export interface TransformOptions {
  engine: Engine;
  functions: boolean;
  /** The bundler takes every module for an ES module. */
  onlyModules: boolean;
  /** Nothing is bundled: the output has the names of what it imports. */
  isUnbundled: boolean;
  /** The code is as it is in the file. Else it has a map that the bundler knows. */
  isOriginal: boolean;
}

/** What bundlers want. */
export interface Transformed {
  code: string;
  map: { version: number; sources: string[]; names: string[]; mappings: string };
}

const name = "@async/interrupt-safepoints/runtime";
const here = import.meta.url;
/**
 * By its path the bundler finds it even if the project's own package.json does not name this
 * package, and includes it even where dependencies are left outside of the bundle.
 */
const path = here.startsWith("file:")
  ? fileURLToPath(new URL(`../../runtime${here.slice(-3)}`, here))
  : name;

/**
 * Puts safepoints into a module, and loads the runtime in it before all else: each module does,
 * because Workers and chunks that are loaded later have no entry point in common. The bundler keeps
 * one runtime.
 *
 * @param id the file; a query may follow.
 * @returns undefined if nothing is to be inserted.
 * @throws {SyntaxError} if it cannot be parsed.
 */
export function transform(
  code: string,
  id: string,
  options: TransformOptions,
): Transformed | undefined {
  const file = fileOf(id);
  const { functions, engine, onlyModules, isUnbundled, isOriginal } = options;
  // Some bundlers take JSX in any JavaScript file.
  const extension = extname(file).replace(/js$/i, "jsx");
  const { edits, kind, start } = analyze(oxc, code, { extension, functions });
  if (edits.length === 0) return undefined;
  const isModule = onlyModules || kind === "module" ||
    /^\.[jt]sx?$/i.test(extension) && packageType(dirname(file)) === "module";
  const specifier = JSON.stringify((isUnbundled ? name : path).replaceAll("\\", "/"));
  // A directive in the line above may lack its semicolon.
  const first = `;${isModule ? `import ${specifier}` : `require(${specifier})`};`;
  const text = edited(code, edits, textsOf(engine), first, start);
  const map = isOriginal
    ? chainedMap(text, code, file)
    : text.generateMap({ hires: "boundary", source: file, includeContent: true });
  return { code: text.toString(), map: map as Transformed["map"] };
}

/** The path in what a bundler calls a module. */
export function fileOf(id: string): string {
  return id.replace(/[?#].*$/, "");
}
