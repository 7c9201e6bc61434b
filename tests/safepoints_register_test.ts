import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import MagicString from "magic-string";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import * as module from "node:module";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { entry } from "../safepoints/src/entry.ts";
import { Cache, entryOf } from "../safepoints/src/register/cache.ts";
import { EntryLog } from "../safepoints/src/register/entry_log.ts";
import { KeptTexts } from "../safepoints/src/register/kept_texts.ts";
import { Store } from "../safepoints/src/register/store.ts";
import { type Reason, runtime, testsOf } from "./support/harness.ts";
import { startCommand } from "./support/processes.ts";
import { SPECIFIER } from "../safepoints/src/register/parser.ts";
import { removedAtExit } from "./support/modules_copy.ts";

const test = testsOf(import.meta.url);

const hasHooks = runtime === "bun" || "registerHooks" in module;
const skip: Reason = !hasHooks && "this version has no module.registerHooks()";

const extension = import.meta.url.slice(-3);
const core = new URL(`../mod${extension}`, import.meta.url).href;
const register = new URL(`../safepoints/register${extension}`, import.meta.url);

const hang = (name: string) =>
  `function hang(state) { try { for (;;) {} } finally { state.cleaned = "${name}" } }`;

/** A program of all kinds of modules, as users write it. Its `cjs` folder is a dependency. */
const files: Record<string, string> = {
  "main.mjs": `#!/usr/bin/env program
import process from "node:process";
import { createRequire } from "node:module";
import { interruptible } from "${core}";
import cjs, { named } from "./cjs/index.js";
import compiled from "./cjs/compiled.js";
import * as esm from "./esm.mjs";
import { hang as typed } from "./typed.ts";
import json from "./cjs/more.json" with { type: "json" };
const require = createRequire(import.meta.url);
const { hang } = await import("./dynamic.mjs");
const state = {};
console.log(named, cjs.seen, cjs.same, cjs.self, cjs.data, json, compiled.sum ?? compiled.default);
console.log(require("./cjs/index.js") === cjs, require("./cjs/other.cjs").name, esm.total);
// Bun shows what its transpiler made.
if (process.versions.bun === undefined) console.log(String(cjs.hang), String(esm.hang));
console.log([cjs.hang, esm.hang, esm.more, typed].some((f) => String(f).includes("safepoint")));
console.log(require("./cjs/arrow.js").it, require("./cjs/returns.js").it);
console.log(import.meta.url.slice(-8), process.argv[2]);
const all = { cjs: cjs.hang, other: require("./cjs/other.cjs").hang, esm: esm.hang, typed, dynamic: hang };
if (process.argv[2] === "hang") {
  for (const [name, hang] of Object.entries(all)) {
    try {
      interruptible(() => hang(state), { timeout: 5 });
    } catch (error) {
      console.log(name, error.name, state.cleaned === name);
    }
  }
}
`,
  // Deno looks for CommonJS only in a project that has such a file.
  "package.json": `{ "type": "module" }`,
  "cjs/package.json": `{ "type": "commonjs" }`,
  "cjs/index.js": `exports.named = 1;
exports.self = this === module.exports && __filename.slice(-8);
const other = require("./other.cjs");
exports.seen = other.seen;
exports.same = other.again() === exports;
exports.data = require("./data.json");
exports.hang = ${hang("cjs")};`,
  "cjs/other.cjs": `const index = require("./index.js");
exports.name = "other";
exports.seen = Object.keys(index).join();
exports.again = () => require("./index.js");
exports.hang = ${hang("other")};`,
  "cjs/arrow.js": `"use strict"; let n = 0; while (n < 9) n++;
exports.it = (() => this === exports)();`,
  "cjs/returns.js": `"use strict"; let n = 0; while (n < 9) n++;
exports.it = (function () { return this === undefined })() && arguments.length;
if (exports.it) return;
exports.it = 0; // The end.`,
  "cjs/compiled.js": `Object.defineProperty(exports, "__esModule", { value: true });
let sum = 0; for (let i = 0; i < 5; i++) sum += i
exports.default = sum`,
  "cjs/data.json": `{ "text": "while (true);" }`,
  "cjs/more.json": `{ "more": "for (;;);" }`,
  "esm.mjs": `export let total = 0;
for (const value of [1, 2]) for (let i = 0; i < 3; i++) total += value * i;
export ${hang("esm")}
export function more(list) { for (const one of list) one(); for (const no of []); for (const no in {}); do list.pop(); while (list.length)
  for (let i = 0; i < list.length; i++) list[i]++; while (list.a) ; return () => list }`,
  "typed.ts": `interface State { cleaned?: string }
export function hang<T extends State>(state: T): void {
  try { while (true as boolean); } finally { state.cleaned = "typed"; }
}`,
  "dynamic.mjs": `export const hang = ${
    hang("dynamic").replace("for (;;) {}", "do ; while (true)")
  }`,
  "worker.mjs": `import { interruptible } from "${core}";
import { isMainThread, parentPort, Worker as Thread } from "node:worker_threads";
if (!isMainThread && parentPort !== null && globalThis.asked === undefined) {
  const stop = () => {
    try { interruptible(() => { while (true); }, { timeout: 5 }) } catch (error) { return error.name }
  };
  parentPort.on("message", (text) => { parentPort.postMessage(text + stop()); });
}
if (isMainThread) {
  const thread = new Thread(new URL(import.meta.url));
  thread.on("message", (text) => { console.log(text); thread.terminate(); });
  thread.postMessage("thread ");
}`,
  // Waits for a message before it has been evaluated.
  "waiting.mjs": `import { parentPort } from "node:worker_threads";
for (let i = 0; i < 9; i++);
const first = await new Promise((resolve) => parentPort.once("message", resolve));
parentPort.on("message", (text) => parentPort.postMessage(first + text));`,
  "waiting_main.mjs": `import { Worker } from "node:worker_threads";
const worker = new Worker(new URL("./waiting.mjs", import.meta.url));
worker.on("message", (text) => { console.log(text); worker.terminate(); });
worker.postMessage("one ");
worker.postMessage("two");`,
  "waiting_web.mjs": `for (let i = 0; i < 9; i++);
const first = await new Promise((resolve) => onmessage = ({ data }) => resolve(data));
onmessage = ({ data }) => postMessage(first + data);`,
  "waiting_web_main.mjs":
    `const worker = new Worker(new URL("./waiting_web.mjs", import.meta.url), { type: "module" });
worker.onmessage = ({ data }) => { console.log(data); worker.terminate(); };
worker.postMessage("one ");
setTimeout(() => worker.postMessage("two"), 500);`,
  "web.mjs": `import { interruptible } from "${core}";
onmessage = ({ data }) => {
  try { interruptible(() => { while (true); }, { timeout: 5 }) } catch (error) {
    postMessage(data + error.name);
  }
};`,
  "web_main.mjs":
    `const worker = new Worker(new URL("./web.mjs", import.meta.url), { type: "module" });
worker.onmessage = ({ data }) => { console.log(data); worker.terminate(); };
worker.postMessage("web ");`,
  "main.cjs":
    `console.log(require.main === module, require("./cjs/index.js").same, this === exports);
let n = 0; while (n < 9) n++; console.log(n, typeof $safepoint1C);
console.log(/register/.test(new Error().stack));`,
  // As webpack and many others do, to load their parts when they are asked for.
  "cjs/lazy.js": `console.log("lazy"); let n = 0; while (n < 9) n++;
const get = (name, enumerable, value) => Object.defineProperty(exports, name, { enumerable, get() {
  console.log("asked for", name); return value(); } });
get("first", true, () => n); get("hidden", false, () => n);
get("last", true, () => { throw new Error("never asked for"); });`,
  "cjs/esm_like.js": `Object.defineProperty(exports, "__esModule", { value: true });
let n = 0; while (n < 9) n++; exports.default = { n }; exports.n = n;`,
  "lazy.cjs": `const lazy = require("./cjs/lazy.js"), like = require("./cjs/esm_like.js");
console.log(Object.keys(lazy), lazy === require("./cjs/lazy.js"), like.__esModule, like.default.n);
(async () => {
  const [a, b] = [await import("./cjs/esm_like.js"), await import("./cjs/esm_like.js")];
  console.log(a === b, a.n, [like, like.default].includes(a.default));
  delete require.cache[require.resolve("./cjs/lazy.js")];
  console.log(require("./cjs/lazy.js") !== lazy);
})();`,
  "cjs/child.js": `let n = 0; while (n < 9) n++;
exports.it = [module.parent?.filename?.slice(-11), module.parent?.children.includes(module),
  require.main === module, module.id.slice(-8), module.loaded, module.path.slice(-3),
  module.paths.length > 2, module.children.length, Object.keys(module).sort(),
  require.cache[__filename] === module, module.require("./grandchild.js").it];`,
  "cjs/grandchild.js": `let n = 0; while (n < 9) n++;
exports.it = [module.parent.filename.slice(-8), arguments.length, require.resolve("./child.js")];`,
  "parents.cjs": `console.log(require("./cjs/child.js").it, require.main === module);`,
  "cjs/types.cts": `import type { T } from "./types.ts"; const t: T = 1;
let n: number = 0; while (n < 9) n++;
function f() { const module = 1; return module; }
module.exports = [n + f(), t, typeof require, __dirname.slice(-3), __filename.slice(-9),
  require.main === module, typeof require("node:fs").readFileSync];`,
  "cjs/types.ts": "export type T = number;",
  "declares.ts": `const module: number[] = [1]; for (const one of module) console.log(one);`,
  "cjs/assigned.cts": `let n = 0; while (n < 9) n++; export = { n };`,
  "types.cjs": `console.log(require("./cjs/types.cts"), require("./cjs/assigned.cts"));`,
  "parents.mjs": `import { it } from "./cjs/child.js"; console.log(it);`,
  "cjs/throws.js": `globalThis.count = (globalThis.count ?? 0) + 1;
for (let i = 0; i < 9; i++) if (i === 5) throw new Error(globalThis.count);`,
  "cjs/names.js": `module.exports = class Names { static named() { for (;;) break; } };
module.exports.visible = 1;
Object.defineProperty(module.exports, "hidden", { get() { throw new Error("never asked for"); } });`,
  "imports.mjs": `import { createRequire } from "node:module";
const require = createRequire(import.meta.url);
const attempt = async (load) => { try { await load() } catch ({ message }) { console.log(message) } };
for (let i = 0; i < 2; i++) await attempt(() => import("./cjs/throws.js"));
for (let i = 0; i < 2; i++) await attempt(() => require("./cjs/throws.js"));
console.log(Object.keys(await import("./cjs/names.js")).filter((name) => name !== "module.exports"));`,
  "extensions.cjs": `const { ".js": js } = require.extensions;
require.extensions[".js"] = (module, path) => {
  const compile = module._compile;
  module._compile = (code, path) => compile.call(module, code.replace("plain", "changed"), path);
  js(module, path);
};
require.extensions[".own"] = (module) => { module.exports = "own"; };
console.log(require("./cjs/hello.js"), require("./cjs/hello.own"));`,
  "cjs/hello.js": `for (let i = 0; i < 2; i++); module.exports = "plain";`,
  "cjs/hello.own": "hello",
  "cjs/compiled_too.js": `"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
var _named = require("./index.js");
var _all = require("./other.cjs");
var lodash = require("./nothing.js");
Object.defineProperty(exports, "renamed", {
  enumerable: true,
  get: function () { return _named.named; }
});
Object.keys(_all).forEach(function (key) {
  if (key === "default" || key === "__esModule") return;
  if (key in exports && exports[key] === _all[key]) return;
  Object.defineProperty(exports, key, {
    enumerable: true,
    get: function () {
      return _all[key];
    }
  });
});
exports.falsy = !lodash;`,
  "cjs/nothing.js": `let n; while (n) n++; module.exports = n;`,
  "compiled.mjs": `import { again, falsy, name, renamed } from "./cjs/compiled_too.js";
console.log(typeof again, falsy, name, renamed);`,
  "free/declares.js":
    `const exports = { n: 0 }; while (exports.n < 9) exports.n++; console.log(exports);
const require = exports.n, module = [this]; console.log(require, module);`,
  "free/package.json": "{}",
  "declares.mjs": `import "./free/declares.js";`,
  "both.mjs": `import { createRequire } from "node:module";
const require = createRequire(import.meta.url);
const first = require("./cjs/index.js");
const { default: again, named } = await import("./cjs/index.js");
const { default: other } = await import("./cjs/other.cjs");
console.log(first === again, named, other === require("./cjs/other.cjs"), first.same);`,
  "requires.cjs": `const { name, total, other } = require("./required/index.mjs");
console.log(name, total, other, require("./required/plain.mjs").sum);`,
  "required/index.mjs":
    `import { parseArgs } from "node:util"; import * as all from './plain.mjs'; export { other } from "./other.cjs";
export const name = typeof parseArgs; export ${hang("required")}
let n = 0; for (let i = 0; i < 9; i++) n += all.sum; export const total = n;`,
  "required/plain.mjs": `export let sum = 0; for (let i = 0; i < 9; i++) sum += i; // from`,
  "required/other.cjs": `exports.other = 1; while (exports.other < 9) exports.other++;`,
  "kinds/attempt.cjs": `module.exports = async (...attempts) => {
  for (const attempt of attempts) {
    try { console.log(await attempt()); } catch (error) { console.log(String(attempt), error.name); }
  }
};`,
  "kinds/main.cjs": `require("./attempt.cjs")(
  () => process.platform === "linux" && typeof require(process.argv[2]).agent_open,
  () => Object.keys(require("./empty.wasm")).length,
  () => require("./text.txt").text,
  () => require("./without_extension").text,
  () => require("./broken.json"),
  () => require("./broken.cjs"),
  () => require("./missing.cjs"),
  async () => Object.keys(await import("./empty.wasm")).length,
  async () => (await import("./text.txt", { with: { type: "text" } })).default,
  async () => (await import("../cjs/data.json", { with: { type: "json" } })).default.text,
  async () => (await import("./broken.json", { with: { type: "json" } })).default,
  async () => (await import("./broken.cjs")).default,
  async () => (await import("./missing.mjs")).default,
);`,
  "kinds/text.txt": "exports.text = 1; for (let i = 0; i < 3; i++);",
  "kinds/without_extension": "exports.text = 2; for (let i = 0; i < 3; i++);",
  "kinds/empty.wasm": "\0asm\x01\0\0\0",
  "kinds/broken.json": `{ "text": `,
  "kinds/broken.cjs": "for (;;",
  "recursion.mjs": `import { interruptible } from "${core}";
const fib = (n) => n < 2 ? n : fib(n - 1) + fib(n - 2);
try { interruptible(() => fib(99), { timeout: 5 }) } catch (error) { console.log(error.name) }`,
};

/** The loop is compiled before the program loads the core. */
const late = (before: string) =>
  `import { existsSync, readFileSync } from "node:fs";
const maps = "/proc/self/maps";
const hasCore = () => existsSync(maps) && readFileSync(maps, "utf8").includes("async_interrupt");
const spin = (turns) => { while (turns-- !== 0); };
for (let i = 0; i < 300; i++) spin(1e4);
console.log(hasCore());
${before}
const { interruptible } = await import("${core}");
try { interruptible(() => spin(-1), { timeout: 5 }) } catch (error) { console.log(error.name) }`;
files["late.mjs"] = late("");
files["frozen.mjs"] = late("Object.freeze(globalThis);");

const folder = removedAtExit();
const cache = join(folder, "cache");
for (const [name, text] of Object.entries(files)) {
  const file = join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** Runs a file of the program, with or without safepoints, and returns what it prints. */
async function run(name: string, args: string[] = [], safepoints = true): Promise<string> {
  const command = [process.execPath];
  if (runtime === "deno") {
    const { imports } = JSON.parse(
      readFileSync(new URL("../safepoints/deno.json", import.meta.url), "utf8"),
    );
    const map = join(folder, "import_map.json");
    writeFileSync(map, JSON.stringify({ imports: { ...imports, "@async/interrupt": core } }));
    command.push("run", "-A", "--no-check", "--node-modules-dir=none", `--import-map=${map}`);
  }
  if (safepoints) {
    const flag = runtime === "node" ? "--import" : "--preload";
    command.push(flag, runtime === "node" ? register.href : fileURLToPath(register));
  }
  process.env.INTERRUPT_SAFEPOINTS_CACHE ??= cache;
  command.push(join(folder, name), ...args);
  const { stdout, stderr, code } = await startCommand(command).ended;
  assertEquals(code, 0, `${name}: ${stdout}${stderr}`);
  return stdout;
}

test(
  "modules of every kind do the same with safepoints, and are stopped in endless loops",
  async () => {
    const plain = await run("main.mjs", ["plain"], false);
    const stopped = ["cjs", "other", "esm", "typed", "dynamic"]
      .map((name) => `${name} TimeoutError true\n`);
    assertEquals(
      await run("main.mjs", ["hang"]),
      plain.replace("plain", "hang") + stopped.join(""),
    );
    assertEquals(await run("main.cjs"), "true true true\n9 function\nfalse\n");
  },
  { skip },
);

test(
  "modules of CommonJS are evaluated once, know their parents, and show what is asked for",
  async () => {
    for (const name of ["lazy.cjs", "both.mjs", "imports.mjs", "parents.cjs", "parents.mjs"]) {
      assertEquals(await run(name), await run(name, [], false), name);
    }
  },
  { skip },
);

test("files of other kinds are left to the runtime", async () => {
  const addon = new URL(`../lib/${process.platform}-${process.arch}.node`, import.meta.url);
  const args = [fileURLToPath(addon)];
  const plain = await run("kinds/main.cjs", args, false);
  assertEquals(await run("kinds/main.cjs", args), plain);
  assertEquals(plain.split("\n").length, 14, plain);
}, { skip });

test("what a file is, Bun tells by its text alone", async () => {
  const text = `let n = 0; while (n < 9) n++; with (Math) n = max(010, n);
undeclared = [typeof this, (function () { return typeof this })(), n];`;
  const extensions = ["js", "mjs", "cjs", "ts", "mts", "cts", "jsx"];
  for (const type of ["commonjs", "module"]) {
    mkdirSync(join(folder, type));
    writeFileSync(join(folder, type, "package.json"), JSON.stringify({ type }));
    for (const extension of extensions) {
      // TypeScript has no `with`. Without such a word, its scripts have safepoints as modules.
      const script = /t/.test(extension)
        ? `exports.kind = typeof module; ${text.replace(/with.*/, "")}`
        : text;
      writeFileSync(join(folder, type, `script.${extension}`), script);
    }
  }
  const names = ["commonjs", "module"].flatMap((type) =>
    extensions.map((extension) => `./${type}/script.${extension}`)
  );
  writeFileSync(
    join(folder, "kinds.mjs"),
    `import { createRequire } from "node:module";
const require = createRequire(import.meta.url);
for (const name of ${JSON.stringify(names)}) {
  const space = process.argv[2] === "import" ? await import(name) : require(name);
  console.log(name, globalThis.undeclared, Object.keys(space));
}`,
  );
  writeFileSync(
    join(folder, "bom.cjs"),
    "\ufeff#!/usr/bin/env bun\n'use strict'; for (let i = 0; i < 3; i++) console.log(this === exports);",
  );
  for (const how of ["import", "require"]) {
    assertEquals(await run("kinds.mjs", [how]), await run("kinds.mjs", [how], false), how);
  }
  assertEquals(await run("bom.cjs"), await run("bom.cjs", [], false));
}, { skip: runtime !== "bun" && "others look at extensions and package.json" });

test(
  "Node finds the names of what compilers export, also if functions have safepoints",
  async () => {
    for (const functions of ["", "1"]) {
      process.env.INTERRUPT_SAFEPOINTS_FUNCTIONS = functions;
      assertEquals(await run("compiled.mjs"), await run("compiled.mjs", [], false));
    }
  },
  { skip },
);

test("a script may declare what modules of CommonJS have", async () => {
  assertEquals(await run("declares.mjs"), await run("declares.mjs", [], false));
}, { skip: skip || runtime === "bun" && "Bun runs no such script, most of the time" });

test("a program may have its own require.extensions", async () => {
  assertEquals(await run("extensions.cjs"), await run("extensions.cjs", [], false));
}, { skip: skip || runtime === "bun" && "Bun asks a plugin first" });

test("TypeScript is CommonJS or a module, as the runtime has it", async () => {
  for (const name of ["types.cjs", "declares.ts"]) {
    assertEquals(await run(name), await run(name, [], false), name);
  }
}, { skip: skip || runtime === "node" && "Node allows no such syntax" });

test("ES modules that are required do the same with safepoints", async () => {
  assertEquals(await run("requires.cjs"), await run("requires.cjs", [], false));
}, { skip });

test("Workers have safepoints too, and functions with INTERRUPT_SAFEPOINTS_FUNCTIONS", async () => {
  assertEquals(await run("worker.mjs"), "thread TimeoutError\n");
  if (runtime !== "node") assertEquals(await run("web_main.mjs"), "web TimeoutError\n");
  process.env.INTERRUPT_SAFEPOINTS_FUNCTIONS = "1";
  assertEquals(await run("recursion.mjs"), "TimeoutError\n");
  // On Bun 1.3 such a Worker gets no message.
  if (process.versions.bun?.startsWith("1.3")) return;
  for (const name of ["waiting_main.mjs", ...runtime === "node" ? [] : ["waiting_web_main.mjs"]]) {
    assertEquals(await run(name), await run(name, [], false), name);
  }
}, { skip });

test("the program alone loads the core, at any time", async () => {
  assertEquals(await run("late.mjs"), "false\nTimeoutError\n");
  // Deno cannot end without adding a property to it, and Bun 1.3 cannot open a native library.
  if (runtime === "deno" || process.versions.bun?.startsWith("1.3")) return;
  assertEquals(await run("frozen.mjs"), "false\nTimeoutError\n");
}, { skip });

/** Shows where errors come from: in a loop, behind one in the same line, below one, in a callee. */
const loops = `
function thrower(list) { for (const x of list) { if (x > 1) throw new Error("in a loop"); } }
const catching = (run) => { try { run(); } catch (error) { show(error); } };
catching(() => thrower([1, 2])); for (let i = 0; i < 2; i++) { i++; } show(new Error("behind"));
let n = 0; while (n < 3) n++; do n--; while (n > 0); catching(() => { null.x; });
for (const $longName of [1]) for (let $j = 0; $j < 1; $j++) { show(new Error("a\\n at b:1:2")); }
for (let $k = 0; $k < 2; $k++) { n += $k; } class A { constructor() { show(new Error("new")); } }
for (const x in { a: 1 }) { new A(); } if (n) { while (n) { n = 0; } catching(() => n.a.b.c); }
function later() { for (;;) { return new Error("unread"); } } const error = later(); show(error);
for (;;) { eval("show(new Error('eval'))"); break; } for (;;) { break; } [1].map(() => new A());
(async () => { for (let i = 0; i < 1; i++) { await 1; } show(new Error("async")); })();
class Named extends Error { constructor(text) { super(text); this.name = "Named"; } }
show(new Named("named")); show(new RangeError("a RangeError")); show(new Named());
const inner = async () => { await 1; throw new TypeError("async"); };
const outer = async () => { for (let i = 0; i < 9; i++) await inner(); }; outer().catch(show);
`;
/** Bun shows text in eval() by other columns if there is a function for stacks. */
const other = runtime === "bun" ? "file:" : runtime === "deno" ? "eval at" : "no such thing";
/** The limit leaves out what loads modules. */
const inText = `Error.stackTraceLimit = 3; const show = (error) => {
  const lines = error.stack.split("\\n").filter((line, at) => at < 1 || /stacks/.test(line));
  console.log(lines.filter((line) => !line.includes("${other}")).join("\\n"));
};${loops}for (const x of [{}]) { Error.captureStackTrace(x); show(x); }
`;
const inSites = `class Other extends Error {}
Other.prepareStackTrace = () => "of another class";
const show = (error) => {
  const before = Error.prepareStackTrace;
  Error.prepareStackTrace = (error, sites) => [...sites, before?.(error, sites)];
  const { stack: [site], stack } = error;
  Error.prepareStackTrace = before;
  console.log(new Error("text").stack.includes("another"), Object.keys(Other));
  console.log(site.getFileName(), site.getLineNumber(), site.getColumnNumber(), String(site));
  // Deno has no function for stacks by itself.
  if (!process.versions.deno) console.log(/.*stacks.*/.exec(stack.at(-1))[0]);
};${loops}`;
const minified = (text: string) => text.replaceAll("\n", " ");
const stacks: Record<string, string> = {
  "module.mjs": inText,
  "sites.mjs": inSites.replace(/.*eval.*\n/, ""),
  "minified.mjs": minified(inText),
  "typed.mts": `interface T { for: T }\n${inText}`.replace("(error)", "(error: any)")
    .replace("(list)", "(list: number[])").replace("(run)", "(run: () => void)"),
  "common.cjs": inText,
  "sites.cjs": inSites.replace(/.*eval.*\n/, ""),
  "minified.cjs": `"use strict"; ${minified(inText)}`,
  "hashbang.js": `#!/usr/bin/env node\n${inText} exports.end = 1;`,
  "all.mjs": `import "./module.mjs"; import "./minified.mjs"; import "./typed.mts";
import "./common.cjs"; import "./minified.cjs"; import "./hashbang.js"; import "./sites.mjs";`,
};

test("stacks have the lines and columns of the sources", async () => {
  mkdirSync(join(folder, "stacks"));
  writeFileSync(join(folder, "stacks", "package.json"), `{ "type": "commonjs" }`);
  for (const [name, text] of Object.entries(stacks)) {
    writeFileSync(join(folder, "stacks", name), text);
  }
  const mapped = new MagicString(inText).prepend("/* moved */");
  const map = mapped.generateMap({ hires: true, source: "original.mjs" });
  writeFileSync(join(folder, "stacks/original.mjs"), mapped.original);
  writeFileSync(join(folder, "stacks/mapped.mjs.map"), `${map}`);
  writeFileSync(
    join(folder, "stacks/mapped.mjs"),
    `${mapped}\n//# sourceMappingURL=mapped.mjs.map`,
  );
  for (const name of [...Object.keys(stacks), "mapped.mjs"]) {
    if (name === "mapped.mjs") process.env.NODE_OPTIONS = "--enable-source-maps";
    // Without register, Bun shows columns of other tokens of CommonJS, which it transpiles.
    process.env.INTERRUPT_SAFEPOINTS_EXCLUDE = "stacks/*";
    const plain = await run(`stacks/${name}`, [], runtime === "bun");
    delete process.env.INTERRUPT_SAFEPOINTS_EXCLUDE;
    assert(plain.split("\n").length > 8, plain);
    const safe = await run(`stacks/${name}`);
    // On Bun both come from the same function.
    assert(!/NaN|:undefined/.test(safe), safe);
    // Bun 1.3 shows the columns of other words in the first line of CommonJS.
    if (/^(minified|all)/.test(name) && process.versions.bun?.startsWith("1.3")) continue;
    assertEquals(safe, plain, name);
  }
}, { skip, timeout: 60 });

/** A module with many safepoints. */
const large = `let n = 3; export let total = 0;\n${
  "for (let i = 0; i < n; i++) total += i;\n".repeat(100)
}`;

test("the cache is shared, and a damaged or read-only one does no harm", async () => {
  writeFileSync(join(folder, "large.mjs"), large);
  const text = `import { total } from "./large.mjs"; console.log(total);`;
  writeFileSync(join(folder, "total.mjs"), text);
  const together = await Promise.all([run("total.mjs"), run("total.mjs")]);
  assertEquals(together, ["300\n", "300\n"]);
  // Beside it, Node keeps what it has compiled.
  const version = readdirSync(cache).find((name) => /^\d+$/.test(name));
  /** Removes those by the file: they come if the test takes so long that files have settled. */
  const entriesByContent = () =>
    readdirSync(join(cache, version!)).map((name) => join(cache, version!, name)).filter((file) => {
      if (file.endsWith(".log")) rmSync(file);
      return /[/\\]\w{64}$/.test(file);
    });
  const entries = entriesByContent();
  assertEquals(entries.length, 2, `${entries}`);
  const [entry = ""] = entries.filter((file) => readFileSync(file, "utf8").length > 200);
  const good = readFileSync(entry, "utf8");
  writeFileSync(entry, good.replace(/,(\d+)/, ",4"));
  assertEquals(await run("total.mjs"), "300\n");
  assertEquals(readFileSync(entry, "utf8"), good);
  // What is in the cache is used: here is a program without safepoints.
  entriesByContent();
  const content = entryOf({ kind: "module", key: "", edits: [] });
  writeFileSync(entry, content);
  assertEquals(await run("total.mjs"), "300\n");
  assert(readFileSync(entry, "utf8").endsWith(content));

  // Not even root can write below a file.
  writeFileSync(join(folder, "file"), "");
  process.env.INTERRUPT_SAFEPOINTS_CACHE = join(folder, "file", "cache");
  assertEquals(await run("total.mjs"), "300\n");
}, { skip, timeout: 40 });

test("no cache is used that others can write to", async () => {
  writeFileSync(join(folder, "large.mjs"), large);
  process.env.INTERRUPT_SAFEPOINTS_CACHE = join(folder, "shared");
  mkdirSync(join(folder, "shared"));
  for (const mode of [0o777, 0o770, 0o1777]) {
    chmodSync(join(folder, "shared"), mode);
    await run("large.mjs");
    assertEquals(readdirSync(join(folder, "shared")), []);
  }
  chmodSync(join(folder, "shared"), 0o755);
  await run("large.mjs");
  assert(readdirSync(join(folder, "shared")).length > 0);
}, { skip: skip || process.platform === "win32" && "Windows has no such modes", timeout: 40 });

test("Node keeps what it has compiled, where nobody says otherwise", async () => {
  const text =
    `import { getCompileCacheDir } from "node:module"; console.log(getCompileCacheDir());`;
  writeFileSync(join(folder, "compiled.mjs"), `${text}\nfor (let i = 0; i < 3; i++);`);
  const place = async () => (await run("compiled.mjs")).trim();
  const kept = await place();
  assertStringIncludes(kept, join(cache, "compiled"));
  assert(readdirSync(kept).length > 0);
  process.env.NODE_DEBUG_NATIVE = "COMPILE_CACHE";
  const command = [process.execPath, "--import", register.href, join(folder, "compiled.mjs")];
  const { stderr } = await startCommand(command).ended;
  assertMatch(stderr, /cache for .*compiled\.mjs was accepted/);
  delete process.env.NODE_DEBUG_NATIVE;
  process.env.NODE_COMPILE_CACHE = join(folder, "theirs");
  assertStringIncludes(await place(), join(folder, "theirs"));
  delete process.env.NODE_COMPILE_CACHE;
  process.env.NODE_DISABLE_COMPILE_CACHE = "1";
  assertEquals(await place(), "undefined");
  delete process.env.NODE_DISABLE_COMPILE_CACHE;
  process.env.NODE_V8_COVERAGE = join(folder, "coverage");
  assertEquals(await place(), "undefined");
  delete process.env.NODE_V8_COVERAGE;
  process.env.INTERRUPT_SAFEPOINTS_CACHE = "";
  assertEquals(await place(), "undefined");
}, { skip: skip || runtime !== "node" && "only Node has a compile cache of its own", timeout: 60 });

test("the cache knows a file that has not changed, and sees when it has", () => {
  const cache = new Cache(join(folder, "known"), -Infinity);
  const path = join(folder, "known.js");
  let source = "";
  let analyses = 0;
  const place = () => {
    const { edits } = cache.get({ source, path, extension: ".js", functions: false }, () => {
      analyses++;
      return { kind: "module", edits: [[source.indexOf("for"), 0]] };
    });
    return edits[0]![0];
  };
  const rewrite = (text: string) => writeFileSync(path, source = text);
  rewrite("1; for (;;);");
  assertEquals([place(), place(), analyses], [3, 3, 1]);
  const [version] = readdirSync(join(folder, "known"));
  const entries = () => readdirSync(join(folder, "known", version!));
  const entriesByContent = () => entries().filter((name) => name.length === 64);
  assertEquals([entries().length, entriesByContent().length], [2, 1]);
  // The content is not hashed.
  for (const name of entriesByContent()) rmSync(join(folder, "known", version!, name));
  assertEquals([place(), analyses], [3, 1]);
  // The same size and times, and a change where none is looked for.
  rewrite(`1; for (;;);${" ".repeat(5000)}`);
  assertEquals([place(), analyses], [3, 2]);
  const { atime, mtime } = statSync(path);
  renameSync(path, `${path}.old`);
  rewrite(`1; for (;;); ;${" ".repeat(4998)}`);
  utimesSync(path, atime, mtime);
  assertEquals([place(), analyses], [3, 3]);
  // What the file has now, but another text, as if a hook had changed it.
  source = source.replace("f", " f").slice(0, -1);
  assertEquals([place(), analyses], [4, 4]);
  // A file that was just written may change once more at the same time.
  const careful = new Cache(join(folder, "careful"));
  const make = () => ({ kind: "module" as const, edits: [] });
  careful.get({ source, path, extension: ".js", functions: false }, make);
  assertEquals(readdirSync(join(folder, "careful", version!)).length, 1);
}, { skip });

test("the log of entries is shared, survives damage, and does not grow for ever", () => {
  const store = new Store(join(folder, "log"));
  const [a, b] = [new EntryLog(store, ".log"), new EntryLog(store, ".log")];
  a.put("one", "1 1");
  a.put("two", "2");
  assertEquals([b.get("one"), b.get("two"), b.get("three")], ["1 1", "2", undefined]);
  b.put("two", "22");
  a.put("three", "3");
  const [version] = readdirSync(join(folder, "log"));
  const [name] = readdirSync(join(folder, "log", version!));
  const file = join(folder, "log", version!, name!);
  const all = () =>
    ["one", "two", "three", "four"].map((name) => new EntryLog(store, ".log").get(name));
  assertEquals(all(), ["1 1", "22", "3", undefined]);
  // A process was killed while it wrote.
  writeFileSync(file, readFileSync(file, "utf8").slice(0, -1));
  a.put("four", "4");
  assertEquals(all(), ["1 1", "22", "", "4"]);
  for (let i = 0; i < 200; i++) a.put("one", `1 ${i}`);
  const before = statSync(file).size;
  assertEquals(all(), ["1 199", "22", "", "4"]);
  assert(statSync(file).size < before / 10);
  assertEquals(all(), ["1 199", "22", "", "4"]);
  const none = new EntryLog(new Store(join(file, "below")), ".log");
  none.put("one", "1");
  assertEquals(none.get("one"), "1");
}, { skip });

test("the cache knows places that are far from one another", () => {
  // More than 2 ** 26 characters.
  const what = { source: "x".repeat(70_000_000), extension: ".js", functions: false };
  const far = new Cache(join(folder, "far"));
  const edits: [number, number][] = [[1, 3], [69_999_999, 5]];
  for (let reads = 0; reads < 2; reads++) {
    const found = far.get(what, () => {
      assertEquals(reads, 0);
      return { kind: "module", edits };
    });
    assertEquals(found.edits, edits);
  }
}, { skip });

test("large texts are kept for files that do not change", () => {
  const path = join(folder, "kept.js");
  const place = join(folder, "kept");
  const [source, text] = ["let source", `${"x".repeat(99_999)}é😀\ufeff`];
  writeFileSync(path, source);
  // As at another start.
  const texts = () => new KeptTexts(place, "options", -Infinity);
  const made = { kind: "module" as const, text };
  assertEquals(texts().get(path), undefined);
  texts().put(path, source, undefined, made);
  texts().put(path, source, "key", { ...made, text: "short" });
  texts().put(path, "another source", "key", made);
  new KeptTexts(place, "options").put(path, source, "key", made);
  assertEquals(texts().get(path), undefined);
  assertEquals(existsSync(place), false);

  texts().put(path, source, "key", made);
  assertEquals(texts().get(path), made);
  assertEquals(new KeptTexts(place, "others").get(path), undefined);
  assertEquals(new KeptTexts("", "options", -Infinity).get(path), undefined);
  // Another file of the same text shares it.
  const other = join(folder, "kept_too.js");
  writeFileSync(other, source);
  texts().put(other, source, "key", made);
  assertEquals([texts().get(path), texts().get(other)], [made, made]);
  const ascii = { kind: "commonjs" as const, text: text.slice(0, 99_999) };
  texts().put(other, source, "ascii", ascii);
  assertEquals(texts().get(other), ascii);

  const [version] = readdirSync(place);
  const files = () => readdirSync(join(place, version!)).map((name) => join(place, version!, name));
  assertEquals(files().length, 3);
  for (const file of files().filter((name) => name.endsWith(".text"))) {
    writeFileSync(file, readFileSync(file).fill("y", 0, 1));
    // The clock may not have ticked since it was written.
    utimesSync(file, 1, 1);
  }
  assertEquals([texts().get(path), texts().get(other)], [undefined, undefined]);
  texts().put(path, source, "key", made);
  assertEquals([texts().get(path), texts().get(other)], [made, undefined]);
  for (const file of files().filter((name) => name.endsWith(".kept"))) writeFileSync(file, "[1");
  assertEquals(texts().get(path), undefined);
  texts().put(path, source, "key", made);
  writeFileSync(path, source.replace("let", "var"));
  assertEquals(texts().get(path), undefined);
  rmSync(path);
  assertEquals(texts().get(path), undefined);
}, { skip });

test("Bun runs the text that was kept for a file, with the same stacks", async () => {
  const { bunText } = await import("../safepoints/src/register/bun_text.ts");
  const { settings } = await import("../safepoints/src/register/transform.ts");
  const { Bun } = globalThis as unknown as { Bun: Parameters<typeof bunText>[0] };
  const place = join(folder, "texts");
  process.env.INTERRUPT_SAFEPOINTS_CACHE = place;
  for (const name of ["kept_stacks.cjs", "kept_stacks.mjs"]) {
    const path = join(folder, name);
    const source = `${inText}${`// ${"x".repeat(90)}\n`.repeat(1000)}`;
    writeFileSync(path, source);
    const before = await run(name);
    const made = bunText(Bun, path, source)!;
    // What is kept, is kept for a program.
    process.argv[1] = path;
    const texts = new KeptTexts(place, `${settings}\n${process.versions.bun}`, -Infinity);
    texts.put(path, source, "key", made);
    assertEquals(texts.get(path)?.text, made.text);
    assertEquals(await run(name), before);
    const text = made.text.replace("class A {", `console.log("as it was kept"); $&`);
    texts.put(path, source, "other", { ...made, text });
    assertStringIncludes(await run(name), "as it was kept");
    writeFileSync(path, `${source} `);
    assertEquals(await run(name), before);
  }
}, { skip: runtime !== "bun" && "only Bun is given kept texts", timeout: 40 });

test("files whose text alone tells what they are are the same with safepoints", async () => {
  const texts: Record<string, string> = {
    "package.json": "{}",
    "cjs.js": "let n = 0; while (n < 3) n++; exports.kind = typeof require + n + this.kind;",
    "esm.js": "export let kind = typeof require; for (let i = 0; i < 3; i++) kind += i;",
    "await.js": "await 1; let n = 0; while (n < 3) n++; globalThis.kind = typeof require + n;",
    "main.js":
      `import { kind } from "./cjs.js"; import * as esm from "./esm.js"; import "./await.js";
console.log(kind, esm.kind, globalThis.kind);`,
  };
  mkdirSync(join(folder, "free"), { recursive: true });
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, "free", name), text);
  const plain = await run("free/main.js", [], false);
  assertEquals(await run("free/main.js"), plain);
  assertEquals(await run("free/main.js"), plain);
}, { skip: skip || runtime === "deno" && "Deno takes them for modules" });

test("a program that has all its files in the cache starts without the parser", async () => {
  writeFileSync(
    join(folder, "maps.cjs"),
    `let n = 0; while (n < 9) n++;
console.log(require("node:fs").readFileSync("/proc/self/maps", "utf8").includes("oxc-parser"));`,
  );
  process.env.INTERRUPT_SAFEPOINTS_CACHE = cache;
  assertEquals(await run("maps.cjs"), "true\n");
  assertEquals(await run("maps.cjs"), "false\n");
}, { skip: skip || process.platform !== "linux" && "there is no /proc" });

test("Deno gets the version of the parser that the package names", () => {
  const text = readFileSync(new URL("../safepoints/deno.json", import.meta.url), "utf8");
  assertEquals(SPECIFIER, JSON.parse(text).imports["oxc-parser"]);
}, { skip: runtime !== "deno" && "Deno alone reads it" });

test("INTERRUPT_SAFEPOINTS_EXCLUDE leaves files as they are", async () => {
  const names = [
    "vendor/deep/a.min.mjs",
    "vendor/deep/b.mjs",
    "vendor/c.mjs",
    "d.mjs",
    "my-vendor/c.mjs",
  ];
  for (const name of names) {
    const file = join(folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, "export default () => { let i = 0; while (i < 3) i++; };");
  }
  writeFileSync(
    join(folder, "excluded.mjs"),
    `import { Interrupt } from "${core}";
for (const name of ${JSON.stringify(names)}) {
  const { default: count } = await import("./" + name);
  const interrupt = new Interrupt({ rethrow: true, callback() { throw new Error("safe"); } });
  Interrupt.signal(interrupt.signalFunc());
  let result = "as it is";
  try { count(); } catch (error) { result = error.message; }
  console.log(name, result);
  try { interrupt.close(); } catch {}
}`,
  );
  const globs = ["*.min.mjs", " vendor/?.mjs", `${folder}/**/deep/b.*`, "[d].mjs"];
  process.env.INTERRUPT_SAFEPOINTS_EXCLUDE = globs.join();
  const results = ["as it is", "as it is", "as it is", "safe", "safe"];
  const lines = names.map((name, index) => `${name} ${results[index]}\n`);
  assertEquals(await run("excluded.mjs"), lines.join(""));
}, { skip });

test("from JSR, Deno is told to load it by its specifier", () => {
  const here = "https://jsr.io/@async/interrupt-safepoints/1.2.3/src/entry.ts";
  assertEquals(entry("register", here), "jsr:@async/interrupt-safepoints@1.2.3/register");
  assertEquals(entry("register"), register.href);
});

test("a runtime without hooks says what to use", async () => {
  await assertRejects(() => run("main.mjs"), Error, "module.registerHooks()");
}, { skip: hasHooks && "this version has hooks" });
