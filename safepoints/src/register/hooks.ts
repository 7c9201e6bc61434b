import { isCommonJs } from "./commonjs.ts";
import { remember } from "./columns.ts";
import { Buffer, fileURLToPath, fs, module, process } from "../node.ts";
import { loadParserFirst, transform, type Transformed, withMap } from "./transform.ts";

/** What `node:module` has from Node 22.15 and 23.5 on. */
interface Loaded {
  format?: string | null | undefined;
  source?: string | ArrayBuffer | NodeJS.TypedArray | null | undefined;
}
type Context = Pick<Loaded, "format"> & { conditions?: string[] };
type Load = (
  url: string,
  context: Context,
  next: (url: string, context: Context) => Loaded,
) => Loaded;
type Resolve = (
  specifier: string,
  context: object,
  next: (specifier: string, context: object) => object,
) => object;
type RegisterHooks = (hooks: { load: Load; resolve?: Resolve }) => { deregister(): void };

const extensions: Record<string, string> = {
  "module": ".mjs",
  "commonjs": ".cjs",
  "module-typescript": ".mts",
  "commonjs-typescript": ".cts",
};

/** Instruments what Node and Deno load from now on. */
export function register(): void {
  const { registerHooks } = module as unknown as { registerHooks?: RegisterHooks };
  if (registerHooks === undefined) {
    const { deno, node } = process.versions;
    throw new Error(
      `Cannot register safepoints: ${deno ? `Deno ${deno}` : `Node ${node}`} lacks ` +
        "module.registerHooks(): use Node 22.15 or later, a newer Deno, or instrument()",
    );
  }
  let hooks = registerHooks(process.versions.deno ? { load } : { load, resolve });
  if (!process.versions.deno) return;
  withoutHooks = (work) => {
    hooks.deregister();
    try {
      return work();
    } finally {
      hooks = registerHooks({ load });
    }
  };
}

/** Inside of a hook, Deno cannot load the parser, whose modules import one another. */
let withoutHooks: Parameters<typeof transform>[3];

const resolve: Resolve = (specifier, context, next) => {
  if (specifier === "oxc-parser") loadParserFirst();
  return next(specifier, context);
};

const load: Load = (url, context, next) => {
  const [known, result] = ambiguous(url, context);
  const loaded = next(url, result === undefined ? context : { ...context, format: result.kind });
  // Deno takes what is returned for JavaScript, except so.
  if (process.versions.deno && /\.json$/.test(url)) return { ...loaded, format: "json" };
  const { format } = loaded;
  const extension = format
    ? extensions[format]
    // Node finds it out later. A program without an extension is CommonJS or a module.
    : /\.[cm]?[jt]sx?(?=[?#]|$)/i.exec(url)?.[0] ?? (/\.\w+$/.test(url) ? undefined : ".js");
  if (extension === undefined || /^(node|data:application\/json)/.test(url)) return loaded;
  const source = textOf(url, loaded.source);
  if (source === undefined) return loaded;
  const transformed = source === known ? result : transform(url, source, extension, withoutHooks);
  if (process.versions.deno && isImportingFromRequire(source, transformed, context)) {
    return { source: null };
  }
  if (transformed === undefined || transformed.code === source) return loaded;
  // Deno corrects the stacks of ES modules itself.
  if (process.versions.deno && !isCommonJs(transformed.kind, extension, source)) {
    return { ...loaded, source: withMap(url, source, transformed) };
  }
  remember(url, transformed);
  return { ...loaded, source: transformed.code };
};

/**
 * Whether an ES module is required that imports others. Deno does not load these if a hook returns
 * its text, changed or not, and throws.
 */
function isImportingFromRequire(
  source: string,
  transformed: Transformed | undefined,
  { conditions }: Context,
): boolean {
  if (!conditions?.includes("require") || transformed?.kind !== "module") return false;
  return /\bimport\b(?!\s*[.(])|\bfrom\b/.test(source);
}

/**
 * What becomes of an imported file of which only the text tells whether it is a module. Node would
 * compile it to find out, which takes as long as to load it; the cache knows.
 */
function ambiguous(url: string, { format }: Context): [source?: string, Transformed?] {
  if (format !== null || !/^file:.*\.js$/.test(url)) return [];
  try {
    const source = fs.readFileSync(fileURLToPath(url), "utf8");
    return [source, transform(url, source, ".js")];
  } catch {
    // Node says what is wrong.
    return [];
  }
}

function textOf(url: string, source: Loaded["source"]): string | undefined {
  if (typeof source === "string") return source;
  // Four times as quick as a TextDecoder.
  if (ArrayBuffer.isView(source)) {
    return Buffer.from(source.buffer, source.byteOffset, source.byteLength).toString();
  }
  if (source) return Buffer.from(source).toString();
  return url.startsWith("file:") ? fs.readFileSync(fileURLToPath(url), "utf8") : undefined;
}
