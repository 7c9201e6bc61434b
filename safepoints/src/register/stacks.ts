import { columnInSource, hasFiles } from "./columns.ts";
import { fileURLToPath, pathToFileURL, process } from "../node.ts";

/** What V8 and Bun call a frame of a stack; `toString()` is its line. */
interface CallSite {
  getFileName(): string | null | undefined;
  getLineNumber(): number | null;
  getColumnNumber(): number | null;
  getEnclosingLineNumber?(): number | null;
  getEnclosingColumnNumber?(): number | null;
  getEvalOrigin(): string | undefined;
  isNative(): boolean;
  isAsync(): boolean;
  toString(): string;
}
type Prepare = (this: unknown, error: unknown, sites: CallSite[]) => unknown;
interface Errors {
  prepareStackTrace: Prepare | undefined;
}
const errors = Error as unknown as Errors;

/** Makes stacks show the columns of the sources, and not those of the text with safepoints. */
export function mendStacks(): void {
  if (process.versions.bun) return mendInBun();
  const { prepareStackTrace } = errors;
  mendSites(
    process.versions.deno ? () => hasFiles() ? asDeno : undefined : () => prepareStackTrace,
  );
}

/**
 * Methods of call sites cannot be replaced for all of them, so each gets its own before it is shown
 * to the program's `Error.prepareStackTrace`, or to a function that makes the text.
 *
 * @param native what makes the text if the program has no function.
 */
function mendSites(native: () => Prepare | undefined): void {
  let current: Prepare | undefined;
  /** What the program sees instead of its function, and back. */
  const mending = new WeakMap<Prepare, Prepare>();
  const original = new WeakMap<Prepare, Prepare>();
  const get = (): Prepare | undefined => {
    const prepare = typeof current === "function" ? current : native();
    if (prepare === undefined) return current;
    let wrapper = mending.get(prepare);
    if (wrapper === undefined) {
      wrapper = function (error, sites) {
        if (Array.isArray(sites)) sites.filter(isCallSite).forEach(mendSite);
        return Reflect.apply(prepare, this, [error, sites]);
      };
      mending.set(prepare, wrapper);
      original.set(wrapper, prepare);
    }
    return wrapper;
  };
  function set(this: object, value: Prepare | undefined) {
    if (this === Error) current = original.get(value!) ?? value;
    // A class that extends Error gets a property of its own, as if this were none with a setter.
    else Object.defineProperty(this, name, { value, writable: true, ...shown });
  }
  const name = "prepareStackTrace";
  const shown = { enumerable: true, configurable: true };
  Reflect.defineProperty(Error, name, { get, set, configurable: true });
}

/** The text of a stack as Deno makes it, which has no other way to correct it for CommonJS. */
function asDeno(error: unknown, sites: CallSite[]): string {
  const { name = "Error", message = "" } = Object(error) as Partial<Error>;
  const head = [name, message].map(String).filter(Boolean).join(": ");
  return [
    head,
    ...sites.map((site) => {
      const file = site.getFileName();
      const text = String(site);
      return file && isPath.test(file) ? text.replace(file, () => pathToFileURL(file).href) : text;
    }),
  ].join("\n    at ");
}

/** Not one that the program made, and none that has its own methods already. */
function isCallSite(site: object): boolean {
  return !mendedSites.has(site) &&
    Object.hasOwn(Object.getPrototypeOf(Object(site)) ?? {}, "getEvalOrigin");
}

const mendedSites = new WeakSet<object>();

function mendSite(site: CallSite): void {
  mendedSites.add(site);
  const name = site.getFileName();
  const column = site.getColumnNumber();
  const line = site.getLineNumber();
  // Deno makes an ES module with the same URL for each module of CommonJS.
  const mended = columnOf(name, line, column) ?? column;
  const origin = site.getEvalOrigin();
  const mendedOrigin = origin && mendOrigin(origin);
  if (mended === column && mendedOrigin === origin) return;
  const text = site.toString()
    .replace(`${name}:${line}:${column}`, () => `${name}:${line}:${mended}`)
    .replace(origin || "", () => mendedOrigin || "");
  const enclosing = site.getEnclosingLineNumber?.() ?? null;
  const values = {
    getColumnNumber: mended,
    getEnclosingColumnNumber: columnOf(name, enclosing, site.getEnclosingColumnNumber?.() ?? null),
    getEvalOrigin: mendedOrigin,
    toString: text,
  };
  for (const [method, value] of Object.entries(values)) {
    Object.defineProperty(site, method, { value: () => value, configurable: true });
  }
}

/** `eval at f (file:///main.js:1:2)`, or several of these in one another. */
function mendOrigin(origin: string): string {
  return origin.replace(/\(([^()]+):(\d+):(\d+)\)/, (_, name, line, column) => {
    return `(${name}:${line}:${columnOf(name, +line, +column) ?? column})`;
  });
}

/**
 * Bun calls no getter, and its own function does not call the methods of call sites. But these can
 * be replaced for all.
 */
function mendInBun(): void {
  const native = errors.prepareStackTrace;
  if (native === undefined) return;
  errors.prepareStackTrace = (_, [site]) => Object.getPrototypeOf(site);
  const methods = new Error().stack as unknown as CallSite & { toJSON(): object };
  const { getColumnNumber, toString, toJSON } = methods;
  const here = fileURLToPath(new URL(".", import.meta.url));
  const isOurs = (site?: CallSite) => site?.getFileName()?.startsWith(here) ?? false;
  const columnIn = (site: CallSite) =>
    columnOf(site.getFileName(), site.getLineNumber(), getColumnNumber.call(site));
  const mendLine = (line: string, site: CallSite) =>
    line.replace(/:\d+(?=\)?$)/, () => `:${columnIn(site)}`)
      .replace(/^( *at )(?!async )/, (at) => site.isAsync() ? `${at}async ` : at);
  Object.assign(methods, {
    getColumnNumber(this: CallSite) {
      return columnIn(this);
    },
    toString(this: CallSite) {
      return mendLine(toString.call(this), this);
    },
    toJSON(this: CallSite) {
      return { ...toJSON.call(this), columnNumber: columnIn(this) };
    },
  });
  /**
   * Bun's function wants an error, but Error.captureStackTrace() takes any object. That of Bun 1.3
   * calls every error an Error.
   */
  const textOf = (error: unknown, sites: CallSite[]) => {
    try {
      const { name } = error as Error;
      return `${native(error, sites)}`.replace(/^Error(?=:|\n|$)/, () => name);
    } catch {
      return native(new Error(), sites);
    }
  };
  errors.prepareStackTrace = function prepareStackTrace(error, all) {
    if (!all.every?.((site) => Object.getPrototypeOf(site) === methods)) return textOf(error, all);
    // Not the code that calls a module of CommonJS.
    const sites = all.filter((site, index) =>
      columnIn(site) !== undefined && !isOurs(site) && !(site.isNative() && isOurs(all[index + 1]))
    );
    const lines = (textOf(error, sites) as string).split("\n");
    const first = lines.length - sites.length;
    sites.forEach((site, index) => {
      lines[first + index] = mendLine(lines[first + index]!, site);
    });
    return lines.join("\n");
  };
}

function columnOf(
  name: string | null | undefined,
  line: number | null,
  column: number | null,
): number | null | undefined {
  if (!name || !line || !column) return column;
  // On Bun, text that a file gave to eval() has the URL of that.
  if (!isPath.test(name) && process.versions.bun) return column;
  return columnInSource(isPath.test(name) ? pathToFileURL(name).href : name, line, column);
}

const isPath = /^(?:\/|[a-z]:\\|\\\\)/i;
