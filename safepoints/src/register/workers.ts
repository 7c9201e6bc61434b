import { entry } from "../entry.ts";
import { builtin, module, process } from "../node.ts";

/** The class of Web Workers or of `node:worker_threads`. */
type WorkerClass = new (
  script: string | URL,
  options?: { eval?: boolean; preload?: string | string[]; deno?: object },
) => object;

const register = entry("register");

/**
 * Makes Workers load this package first. Those of Node inherit `--import`; Bun and Deno start them
 * without `--preload`.
 */
export function registerInWorkers(): void {
  // Its exports can be replaced. A module from JSR has no createRequire().
  const threads = builtin("node:worker_threads") as { Worker: WorkerClass };
  const realm = globalThis as unknown as { Worker: WorkerClass };
  const wrap = process.versions.bun ? withPreload : withWrapper;
  realm.Worker = wrap(realm.Worker);
  threads.Worker = wrap(threads.Worker);
  module.syncBuiltinESMExports();
}

function withPreload(Worker: WorkerClass): WorkerClass {
  return new Proxy(Worker, {
    construct(target, [script, options = {}, ...rest], newTarget) {
      const preload = [register, ...[options.preload ?? []].flat()];
      return Reflect.construct(target, [script, { ...options, preload }, ...rest], newTarget);
    },
  });
}

function withWrapper(Worker: WorkerClass): WorkerClass {
  return new Proxy(Worker, {
    construct(target, [script, options, ...rest], newTarget) {
      const url = options?.eval || options?.deno?.permissions !== undefined
        ? undefined
        : urlOf(script);
      const first = url === undefined ? script : new URL(wrapperOf(url));
      return Reflect.construct(target, [first, options, ...rest], newTarget);
    },
  });
}

/** undefined for a script that cannot be imported elsewhere, such as `blob:`. */
function urlOf(script: unknown): string | undefined {
  const text = `${script}`;
  try {
    return /^\.{0,2}\//.test(text)
      ? new URL(text, `file://${process.cwd()}/`).href
      : /^(file|https?|npm|jsr):/.test(text)
      ? text
      : undefined;
  } catch {
    return undefined;
  }
}

/**
 * A module that imports this package, then the script. What arrives before the script listens is
 * kept: without a wrapper, a Worker gets no message before that. A script may wait for one before
 * it has been evaluated.
 */
function wrapperOf(url: string): string {
  const text = `import ${JSON.stringify(register)};
const early = [];
const passed = new WeakSet();
const keep = (event) => {
  if (passed.has(event)) return;
  event.stopImmediatePropagation();
  early.push(event);
};
addEventListener("message", keep);
let isPassing = false;
const pass = () => {
  if (!isPassing) next();
  isPassing = true;
};
const next = () => {
  const event = early.shift();
  if (event === undefined) return removeEventListener("message", keep);
  const { data, ports } = event;
  const copy = new MessageEvent("message", { data, ports });
  passed.add(copy);
  setTimeout(next);
  dispatchEvent(copy);
};
const undo = [];
const listens = (target, name, attributes) => {
  const before = Object.getOwnPropertyDescriptor(target, name);
  Object.defineProperty(target, name, { configurable: true, ...attributes(before ?? {}) });
  undo.push(() => before ? Object.defineProperty(target, name, before) : delete target[name]);
};
const call = (listen) => ({
  value(name, ...rest) {
    if (name === "message") setTimeout(pass);
    return listen.call(this ?? globalThis, name, ...rest);
  },
});
listens(globalThis, "addEventListener", () => call(addEventListener));
listens(globalThis, "onmessage", ({ get, set }) => ({
  get,
  set(listener) {
    setTimeout(pass);
    set.call(this, listener);
  },
}));
const { parentPort } = process.getBuiltinModule("node:worker_threads");
for (const name of ["on", "once", "addListener", "addEventListener"]) {
  if (parentPort?.[name]) listens(parentPort, name, () => call(parentPort[name]));
}
try {
  await import(${JSON.stringify(url)});
} finally {
  for (const restore of undo) restore();
  pass();
}`;
  return `data:text/javascript,${encodeURIComponent(text)}`;
}
