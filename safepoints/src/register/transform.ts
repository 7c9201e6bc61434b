import { type Analysis, analyze } from "../analyze.ts";
import { patternOf } from "../glob.ts";
import { withoutMap } from "../map_comment.ts";
import { type Engine, insertPolls, textsOf } from "../poll.ts";
import { Cache, type Cached } from "./cache.ts";
import { cacheFolder } from "./cache_folder.ts";
import type { Instrumented } from "./columns.ts";
import { Buffer, fileURLToPath, pathToFileURL, process } from "../node.ts";
import { own } from "../own.ts";
import { quickHash } from "./quick_hash.ts";
import { shiftedMap } from "./shifted_map.ts";
import { loadParser } from "./parser.ts";

const {
  INTERRUPT_SAFEPOINTS_EXCLUDE: exclude = "",
  INTERRUPT_SAFEPOINTS_FUNCTIONS: functions = "",
} = process.env;

const cache = new Cache(cacheFolder);
const excluded = exclude.split(",").map((glob) => glob.trim()).filter(Boolean).map(patternOf);
const engine: Engine = process.versions.bun ? "jsc" : "v8";
const texts = textsOf(engine);

/** All that decides what becomes of a file, besides its path and text. */
export const settings = [functions, exclude, ...texts].join("\n");

const here = new URL("../../", import.meta.url).href;

/** What {@linkcode transform} returns. */
export type Transformed = Instrumented & Cached;

/**
 * The source with safepoints, or as it is if it is excluded.
 *
 * @param url where it is from.
 * @param extension see {@linkcode analyze}.
 * @param withoutHooks runs what may load modules.
 * @returns undefined if it cannot be parsed: then the engine says why.
 */
export function transform(
  url: string,
  source: string,
  extension: string,
  withoutHooks = (work: () => Analysis) => work(),
): Transformed | undefined {
  if (isBusy) return { code: source, kind: "module", edits: [], texts };
  isBusy = true;
  try {
    const options = { extension, functions: functions !== "" };
    const path = url.startsWith("file:") ? fileURLToPath(url.replace(/[?#].*/, "")) : undefined;
    const isSource = !process.versions.deno || /js$/.test(extension);
    // Deno transpiles TypeScript first: then the file has another text.
    const found = cache.get({ source, path: isSource ? path : undefined, ...options }, () => {
      return withoutHooks(() => analyze(loadParser(), source, options));
    });
    const { edits } = found;
    if (edits.length === 0 || isExcluded(url, path)) {
      return { ...found, code: source, edits: [], texts };
    }
    return { ...found, code: insertPolls(source, edits, texts), texts };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  } finally {
    isBusy = false;
  }
}

/**
 * The code with a comment that names a source map, which takes the place of that of the source. It
 * is external if it can be kept: then it is read only when a stack needs it.
 */
export function withMap(url: string, source: string, transformed: Transformed): string {
  const filename = url.startsWith("file:") ? fileURLToPath(url) : "";
  const make = () => shiftedMap(source, filename, transformed);
  const file = cache.file(transformed, `.${quickHash(`${texts}`)}.map`, make);
  const map = file === undefined
    ? `data:application/json;base64,${Buffer.from(make()).toString("base64")}`
    : pathToFileURL(file).href;
  return `${withoutMap(transformed.code)}\n//# sourceMappingURL=${map}`;
}

/** The parser loads parts of itself, ES modules, when it first needs them. */
let isBusy = false;

/**
 * Loads all of the parser before the program does: while the program's own import of it is under
 * way, Node cannot load it for the files that come with it.
 */
export function loadParserFirst(): void {
  if (isBusy) return;
  isBusy = true;
  try {
    analyze(loadParser(), "", { extension: ".js", functions: false });
  } finally {
    isBusy = false;
  }
}

function isExcluded(url: string, path = url): boolean {
  if (own.test(url) || url.startsWith(here)) return true;
  return excluded.some((pattern) => pattern.test(path.replaceAll("\\", "/")));
}
