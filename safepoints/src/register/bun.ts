import { bunText, columnsBefore, kindOf, type Transpiling } from "./bun_text.ts";
import { cacheFolder } from "./cache_folder.ts";
import { remember } from "./columns.ts";
import { type KeptText, KeptTexts } from "./kept_texts.ts";
import { builtin, fs, module as moduleModule, pathToFileURL, process } from "../node.ts";
import { settings } from "./transform.ts";

/** The part of Bun that is used here. */
interface Bun extends Transpiling {
  plugin(plugin: { name: string; setup(build: Build): void }): void;
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

const keptTexts = new KeptTexts(cacheFolder, `${settings}\n${process.versions.bun}`);

/** Nothing was loaded yet: the next file is the program. */
let isFirst = true;

/** Bun allows no answer that leaves a file to it. */
function load(bun: Bun, path: string): Loaded {
  const isProgram = isFirst;
  isFirst = false;
  const given = keptText(bun, path) ?? newText(bun, path);
  if (given.kind === "module") return { contents: given.text, loader: kindOf(path).loader };
  return exportsOf(compile(given.text, path, isProgram));
}

/** The text of the last start, if the file has not changed since. */
function keptText(bun: Bun, path: string): KeptText | undefined {
  const kept = keptTexts.get(path);
  if (kept === undefined) return undefined;
  if (kept.kind === "commonjs") columnsBefore();
  remember(pathToFileURL(path).href, () => {
    try {
      const made = bunText(bun, path, fs.readFileSync(path, "utf8"));
      return made?.text === kept.text ? made.places : undefined;
    } catch {
      // It is not there any more.
      return undefined;
    }
  });
  return kept;
}

function newText(bun: Bun, path: string): KeptText {
  const source = fs.readFileSync(path, "utf8");
  const made = bunText(bun, path, source);
  if (made === undefined) return { kind: "module", text: source };
  if (made.places !== undefined) remember(pathToFileURL(path).href, made.places);
  keptTexts.put(path, source, made.key, made);
  return made;
}

/** What a module of CommonJS exports, for modules that import it. */
function exportsOf({ exports }: CommonJs): Loaded {
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
    module._compile(code, path);
    module.loaded = true;
  } catch (error) {
    delete Module._cache[path];
    throw error;
  }
  return module;
}
