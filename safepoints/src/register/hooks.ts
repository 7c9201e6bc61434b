import { remember } from "./columns.ts";
import { loadInDeno } from "./deno_load.ts";
import { fileURLToPath, fs, module, process } from "../node.ts";
import { type Context, extensionOf, type Load, textOf } from "./loaded.ts";
import { loadParserFirst, transform, type Transformed } from "./transform.ts";

type Resolve = (
  specifier: string,
  context: object,
  next: (specifier: string, context: object) => object,
) => object;
type RegisterHooks = (hooks: { load: Load; resolve?: Resolve }) => { deregister(): void };

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
  if (process.versions.deno) registerInDeno(registerHooks);
  else registerHooks({ load, resolve });
}

function registerInDeno(registerHooks: RegisterHooks): void {
  const load: Load = (url, context, next) => loadInDeno(url, context, next, withoutHooks);
  /** Inside of a hook, Deno cannot load the parser, whose modules import one another. */
  const withoutHooks = <T>(work: () => T) => {
    hooks.deregister();
    try {
      return work();
    } finally {
      hooks = registerHooks({ load });
    }
  };
  let hooks = registerHooks({ load });
}

const resolve: Resolve = (specifier, context, next) => {
  if (specifier === "oxc-parser") loadParserFirst();
  return next(specifier, context);
};

const load: Load = (url, context, next) => {
  const [known, result] = ambiguous(url, context);
  const loaded = next(url, result === undefined ? context : { ...context, format: result.kind });
  const extension = extensionOf(url, loaded);
  if (extension === undefined) return loaded;
  // Node reads what is required only if no hook has.
  const source = textOf(loaded) ??
    (url.startsWith("file:") ? fs.readFileSync(fileURLToPath(url), "utf8") : undefined);
  if (source === undefined) return loaded;
  const transformed = source === known ? result : transform(url, source, extension);
  if (transformed === undefined || transformed.code === source) return loaded;
  remember(url, transformed);
  return { ...loaded, source: transformed.code };
};

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
