import { bunText, columnsBefore, loaderOf, type Transpiling } from "./bun_text.ts";
import { cacheFolder } from "./cache_folder.ts";
import { remember } from "./columns.ts";
import { FileState } from "./file_state.ts";
import { type KeptText, KeptTexts } from "./kept_texts.ts";
import { fs, module as moduleModule, pathToFileURL, process } from "../node.ts";
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

const Module = moduleModule as unknown as ModuleClass;

const sep = process.platform === "win32" ? "\\" : "/";

/** All modules of CommonJS that were compiled here. */
const compiled = new WeakSet<CommonJs>();

/** What modules of CommonJS threw when they were imported, by their paths. */
const failures = new Map<string, { error: unknown; state: string | undefined }>();

/** Nothing was loaded yet: the next file is the program. */
let isFirst = true;

/** Bun allows no answer that leaves a file to it. */
function load(bun: Bun, path: string): Loaded {
  const isProgram = isFirst;
  isFirst = false;
  // Bun made it if the file is being required. If it is compiled, the file is imported after that.
  const known = Module._cache[path];
  if (known !== undefined && compiled.has(known)) return namesOf(known.exports);
  const given = keptText(bun, path) ?? newText(bun, path);
  if (given.kind === "module") return { contents: given.text, loader: loaderOf(path) };
  // What was imported is evaluated once, also if it throws. But `--hot` imports what has changed.
  const failure = failures.get(path);
  if (failure !== undefined && failure.state === FileState.of(path)?.text) throw failure.error;
  if (known !== undefined) {
    const { exports } = compile(given.text, path, known);
    // Bun takes it as it is, and calls no getter of it, which may load more or throw. It does not
    // take undefined, but null.
    return loaded({ __esModule: true, default: exports ?? null });
  }
  try {
    return namesOf(compile(given.text, path, newModule(path, isProgram)).exports);
  } catch (error) {
    failures.set(path, { error, state: FileState.of(path)?.text });
    throw error;
  }
}

/** The text of the last start, if the file has not changed since. */
function keptText(bun: Bun, path: string): KeptText | undefined {
  const kept = keptTexts.get(path);
  if (kept === undefined) return undefined;
  // A stack may need it, and must not be what makes it.
  if (kept.kind === "commonjs") columnsBefore();
  remember(pathToFileURL(path).href, () => {
    try {
      const made = bunText(bun, path, textOf(path));
      return made?.text === kept.text ? made.places : undefined;
    } catch {
      // It is not there any more.
      return undefined;
    }
  });
  return kept;
}

function newText(bun: Bun, path: string): KeptText {
  const source = textOf(path);
  const made = bunText(bun, path, source);
  if (made === undefined) return { kind: "module", text: source };
  if (made.places !== undefined) remember(pathToFileURL(path).href, made.places);
  keptTexts.put(path, source, made.key, made);
  return made;
}

/** Without a byte order mark, which would come before a hashbang in the middle of a line. */
function textOf(path: string): string {
  return fs.readFileSync(path, "utf8").replace(/^\ufeff/, "");
}

/** What can be imported of what a module of CommonJS exports, as Bun makes it. */
function namesOf(exports: unknown): Loaded {
  const from = typeof exports === "object" || typeof exports === "function" ? exports ?? {} : {};
  const isEsModule = Boolean(Reflect.get(from, "__esModule"));
  const names: Record<string, unknown> = {};
  const all = Object.keys(from);
  if (!isEsModule) all.push(...hiddenValues(from));
  for (const name of all) {
    try {
      names[name] = Reflect.get(from, name);
    } catch {
      names[name] = undefined;
    }
  }
  delete names.__esModule;
  if (!isEsModule || !("default" in names)) names.default = exports;
  return loaded(names);
}

/** The names of properties that are not enumerable, without those that have a getter. */
function hiddenValues(from: object): string[] {
  return Object.getOwnPropertyNames(from).filter((name) => {
    const property = Object.getOwnPropertyDescriptor(from, name);
    return property?.enumerable === false && "value" in property;
  });
}

function loaded(exports: object): Loaded {
  return { loader: "object", exports };
}

/** As Bun makes it for what is imported. */
function newModule(path: string, isProgram: boolean): CommonJs {
  const module = new Module(path);
  module.id = ".";
  module.filename = path;
  module.paths = Module._nodeModulePaths(path.slice(0, path.lastIndexOf(sep)));
  if (isProgram) (process as { mainModule?: unknown }).mainModule = module;
  // Modules that import one another in a circle find it there.
  return Module._cache[path] = module;
}

/** Bun would take the text for that of an ES module. */
function compile(code: string, path: string, module: CommonJs): CommonJs {
  compiled.add(module);
  try {
    module._compile(code, path);
    module.loaded = true;
  } catch (error) {
    delete Module._cache[path];
    throw error;
  }
  return module;
}
