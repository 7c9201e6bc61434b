import { extname } from "node:path";
import * as oxc from "oxc-parser";
import { analyze } from "./analyze.ts";
import { countOf, type Edit, type Engine, insertPolls, textsOf } from "./poll.ts";
import { withoutMap } from "./map_comment.ts";
import { chainedMap, edited } from "./source_map.ts";

/** How {@linkcode instrument} reads the source, and what it inserts. */
export interface InstrumentOptions {
  /**
   * The name of the file. Its extension tells the language: `.ts`, `.tsx`, `.jsx`, else JavaScript;
   * `.mjs` and `.mts` are modules, `.cjs` and `.cts` CommonJS; what others are is found out. It is
   * the name in the source map, and an external source map is looked for beside it. Default: a
   * JavaScript file without a name.
   */
  filename?: string;
  /** Whether functions get a safepoint at their entry too. Default false: loops only. */
  functions?: boolean;
  /** Whether to make a source map. Default false. */
  sourceMap?: boolean;
  /** The engine that will run the code. Default "any", which costs V8 one store more a turn. */
  engine?: Engine;
}

/** What {@linkcode instrument} returns. */
export interface Instrumented {
  /** The code, with as many lines as the source. */
  code: string;
  /**
   * With `sourceMap`: a source map of version 3, to the sources of the source if that has a map
   * itself. The code has no comment that names a map then.
   */
  map?: object;
  /** How many safepoints were inserted. */
  safepoints: number;
}

/**
 * Puts a safepoint at every loop back-edge of JavaScript or TypeScript, and with `functions` at the
 * entry of every function, method, accessor and static block. There the code does what {@linkcode
 * https://jsr.io/@async/interrupt | checkpoint}() does.
 *
 * The result needs what `@async/interrupt-safepoints/runtime` defines: import that first. Lines
 * stay as they are; columns move by what is inserted before them. Left as they are: `asm.js`, and
 * code inside of a `with` statement, whose object could catch any name. Code that has safepoints
 * already is returned unchanged.
 *
 * @param source the text of a module, a CommonJS module or a script.
 * @param options what it is, and what to make.
 * @returns the code.
 * @throws {SyntaxError} if the source cannot be parsed.
 *
 * @example
 * ```ts
 * import { instrument } from "@async/interrupt-safepoints";
 *
 * const { code, safepoints } = instrument("while (busy()) work();");
 * console.assert(safepoints === 1 && code.startsWith("while ("));
 * ```
 */
export function instrument(source: string, options: InstrumentOptions = {}): Instrumented {
  const { filename = "", functions = false, sourceMap = false, engine = "any" } = options;
  const edits = editsOf(source, filename, functions);
  const texts = textsOf(engine);
  const safepoints = countOf(edits);
  if (!sourceMap) return { code: insertPolls(source, edits, texts), safepoints };
  const text = edited(source, edits, texts);
  const code = withoutMap(text.toString());
  return { code, map: chainedMap(text, source, filename), safepoints };
}

function editsOf(source: string, filename: string, functions: boolean): Edit[] {
  try {
    return analyze(oxc, source, { extension: extname(filename), functions }).edits;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new SyntaxError(`Cannot instrument ${filename || "the source"}: ${error.message}`);
  }
}
