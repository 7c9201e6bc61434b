import { hasCommonJsWord } from "../commonjs.ts";
import { remember } from "./columns.ts";
import { fileURLToPath, fs, module } from "../node.ts";
import { type Context, extensionOf, type Load, type Loaded, textOf } from "./loaded.ts";
import { transform, type Transformed, withMap } from "./transform.ts";

/** Leaves a module to Deno, as if there were no hook. */
const left: Loaded = { source: null };

/**
 * What Deno's load hook returns. Deno reads the file of every module as text, and takes what a hook
 * returns for JavaScript, also that of an addon.
 *
 * @param withoutHooks runs what may load modules.
 */
export function loadInDeno(
  url: string,
  context: Context,
  next: Parameters<Load>[2],
  withoutHooks: <T>(work: () => T) => T,
): Loaded {
  const loaded = next(url, context);
  const source = textOf(loaded);
  const extension = extensionOf(url, loaded);
  // Another hook has found out what it is.
  if (loaded.format && extension === undefined) return loaded;
  if (source === undefined || /\.(?:node|wasm)$/.test(url)) return left;
  if (/\.json$/.test(url)) return { ...loaded, format: "json" };
  if (isLoadedByProgram(extension, context)) return left;
  /** What another hook has made stays. */
  const asIs = () => isTextOf(url, source) ? left : loaded;
  if (extension === undefined || context.importAttributes?.type !== undefined) return asIs();
  const transformed = transform(url, source, extension, withoutHooks);
  // Deno says better what is wrong.
  if (transformed === undefined) return asIs();
  if (isImportingFromRequire(source, transformed, context)) {
    withoutHooks(() => loadModule(url));
    return left;
  }
  if (transformed.code === source) return loaded;
  const isCommonJs = transformed.kind === "commonjs" &&
    (/c/.test(extension) || hasCommonJsWord(source));
  // Deno corrects the stacks of ES modules itself.
  if (!isCommonJs) {
    return { ...loaded, source: withMap(url, source, transformed) };
  }
  remember(url, transformed);
  return { ...loaded, source: transformed.code };
}

interface ModuleClass {
  new (path: string): object;
  _extensions: Record<string, (module: object, path: string) => void>;
}
const Module = module as unknown as ModuleClass;
const { _extensions: extensions } = Module;
const originals = { ...extensions };

/** Whether the program has its own way to load what is required and has such an extension. */
function isLoadedByProgram(extension = "", { conditions }: Context): boolean {
  return extensions[extension] !== originals[extension] && !!conditions?.includes("require");
}

/**
 * Whether an ES module is required that imports others. Deno throws for some of these while there
 * is a hook: for files if the hook returns a text, and for some of `node:` if it returns none.
 */
function isImportingFromRequire(
  source: string,
  { kind }: Transformed,
  { conditions }: Context,
): boolean {
  if (!conditions?.includes("require") || kind !== "module") return false;
  return /\bimport\b(?!\s*[.(])|\bfrom\b/.test(source);
}

/** Evaluates an ES module. Deno finds it when it loads it itself. */
function loadModule(url: string): void {
  const path = fileURLToPath(url);
  const load = extensions[/\.\w+$/.exec(path)?.[0] ?? ""] ?? extensions[".js"]!;
  load(new Module(path), path);
}

function isTextOf(url: string, source: string): boolean {
  try {
    return fs.readFileSync(fileURLToPath(url), "utf8") === source;
  } catch {
    // It is no file.
    return false;
  }
}
