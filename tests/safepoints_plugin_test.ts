import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { originalPositionFor, type SourceMapInput, TraceMap } from "@jridgewell/trace-mapping";
import safepoints, { type SafepointsOptions } from "../safepoints/plugin.ts";
import { CALL, pollOf } from "../safepoints/src/poll.ts";
import { testsOf } from "./support/harness.ts";
import { removedAtExit } from "./support/modules_copy.ts";

const test = testsOf(import.meta.url);

type Framework = "vite" | "rollup" | "rolldown";
interface Output {
  code: string;
  map: SourceMapInput;
}
interface Plugin {
  config?(config: object): object;
  configResolved?(config: { command: string }): void;
  transform: {
    handler(
      this: { meta: object; warn(text: string): void },
      code: string,
      id: string,
    ): Output | undefined;
  };
}

/** What a bundler gets of a module, and what it is warned of. */
function transform(
  code: string,
  id = "/src/a.js",
  options: SafepointsOptions = {},
  framework: Framework = "rolldown",
  // Not what decides for rolldown: it filters by itself.
  meta: object = {},
) {
  const plugin = safepoints[framework](options) as unknown as Plugin;
  const warnings: string[] = [];
  const context = { meta, warn: (text: string) => void warnings.push(text) };
  return { output: plugin.transform.handler.call(context, code, id), warnings };
}

/** The code with the polls as `P`, and with the name of the runtime instead of its path. */
function short(...[code, id, options, framework, meta]: Parameters<typeof transform>): string {
  const { output } = transform(code, id, { engine: "jsc", ...options }, framework, meta);
  return output!.code.replaceAll(pollOf("jsc"), "P").replace(/"[^"]*\/(runtime)\.[jt]s"/, "$1");
}

test("each module loads the runtime first, after what must stand first, and keeps its lines", () => {
  const folder = removedAtExit();
  mkdirSync(folder, { recursive: true });
  const loop = "for (;;) {}";
  const cases: [source: string, code: string, file?: string][] = [
    [`export default 1; ${loop}`, `;import runtime;export default 1; for (;;) {P;}`],
    [`exports.a = 1; ${loop}`, `;require(runtime);exports.a = 1; for (;;) {P;}`],
    [loop, ";require(runtime);for (;;) {P;}"],
    [loop, ";import runtime;for (;;) {P;}", "/src/a.mjs"],
    [loop, ";import runtime;for (;;) {P;}", join(folder, "a.js")],
    [loop, ";import runtime;for (;;) {P;}", join(folder, "a.ts?query")],
    [loop, ";require(runtime);for (;;) {P;}", join(folder, "a.cjs")],
    [`#!/bin/node\n${loop}`, "#!/bin/node\n;require(runtime);for (;;) {P;}"],
    [`#!/bin/node\r\n${loop}`, "#!/bin/node\r\n;require(runtime);for (;;) {P;}"],
    [`'use strict'\n${loop}`, "'use strict';require(runtime);\nfor (;;) {P;}"],
    [`// a\n"a"; "b";${loop}`, `// a\n"a"; "b";;require(runtime);for (;;) {P;}`],
    [`"a".b; ${loop}`, `;require(runtime);"a".b; for (;;) {P;}`],
  ];
  writeFileSync(join(folder, "package.json"), `{ "type": "module" }`);
  for (const [source, code, file] of cases) assertEquals(short(source, file), code);

  // To a bundler that knows only ES modules, all are such.
  const { framework, meta } = { framework: "rollup" as const, meta: { rollupVersion: "4.1.0" } };
  const code = ";import runtime;for (;;) {P;}";
  assertEquals(short("for (;;) {}", "/a.js", {}, framework, meta), code);
  assertEquals(short("for (;;) {}", "/a.js", {}, "vite", meta), code);
});

test("code that has safepoints, this package, the core and what the options leave out stay as they are", () => {
  const { output } = transform("for (;;) {}");
  assertEquals(transform(output!.code).output, undefined);
  assertEquals(transform("call()").output, undefined);
  const old = { rollupVersion: "4.1.0" };
  for (
    const name of ["async-interrupt/script/all.js", "async-interrupt-safepoints/esm/runtime.js"]
  ) {
    const id = `/a/node_modules/${name}`;
    assertEquals(transform("for (;;) {}", id, {}, "rollup", old).output, undefined);
  }

  const isChanged = (id: string, options: SafepointsOptions) =>
    transform("for (;;) {}", id, options, "rollup", { rollupVersion: "4.1.0" }).output !==
      undefined;
  for (const id of ["/a.js", "/a.mts", "/b/a.jsx", "/a.vue?vue&type=script", "C:\\a\\b.ts"]) {
    assert(isChanged(id, {}), id);
  }
  for (const id of ["/a.css", "/a.json", "\0/a.js", "/a.js.txt"]) assert(!isChanged(id, {}), id);
  const rows: [options: SafepointsOptions, id: string, changed: boolean][] = [
    [{ exclude: "*.min.js" }, "/a/b.min.js", false],
    [{ exclude: "*.min.js" }, "/a/b.min.js?query", false],
    [{ exclude: "*.min.js" }, "/a/b.js", true],
    [{ exclude: ["x", "vendor/**"] }, "/a/vendor/b/c.js", false],
    [{ exclude: ["x", /\/b/] }, "/a/b.js", false],
    [{ include: "src/**" }, "/a/src/b.js", true],
    [{ include: "src/**" }, "/a/lib/b.js", false],
    [{ include: ["src/**"], exclude: "b.*" }, "/a/src/b.js", false],
  ];
  for (const [options, id, changed] of rows) assertEquals(isChanged(id, options), changed, id);
});

test("a wrong option is a TypeError that names it, and a file that cannot be parsed a warning", () => {
  const rows: [options: unknown, message: string][] = [
    [{ functions: 1 }, "functions must be true or false, not number"],
    [{ include: 5 }, "include must be a string, a RegExp or an array of these, not number"],
    [{ exclude: ["a", null] }, "exclude must be a string, a RegExp or an array of these"],
    [{ engine: "spider" }, 'engine must be "v8", "jsc" or "any", not "spider"'],
    [
      { excludes: "a" },
      'no option "excludes": the options are functions, include, exclude, engine',
    ],
    ["a", 'options must be an object, not "a"'],
    [null, "options must be an object, not null"],
  ];
  for (const [options, message] of rows) {
    for (const name of ["vite", "rollup", "rolldown", "esbuild"] as const) {
      assertThrows(() => safepoints[name](options as SafepointsOptions), TypeError, message);
    }
  }

  const { output, warnings } = transform("for (;;) {", "/src/broken.js");
  assertEquals(output, undefined);
  assertEquals(warnings.length, 1);
  assertMatch(warnings[0]!, /^\/src\/broken\.js gets no safepoints: /);
  assertEquals(transform("a { color: red }", "/a.vue?vue&type=style").warnings, []);
});

test("the map has a safepoint at its loop, `functions` and `engine` do what they say, and Vitest gets a runner", () => {
  const source = "function f() {\n\twhile (a())\n\t\tb();\n}\nf()";
  const { output } = transform(source, "/src/a.js");
  const map = new TraceMap(output!.map);
  const lines = output!.code.split("\n");
  const placeOf = (text: string) => {
    const line = lines.findIndex((line) => line.includes(text));
    const column = lines[line]!.indexOf(text);
    return originalPositionFor(map, { line: line + 1, column });
  };
  const place = (line: number, column: number) => ({
    source: "/src/a.js",
    line,
    column,
    name: null,
  });
  assertEquals(placeOf("b()"), place(3, 2));
  assertEquals(placeOf("f()"), place(1, 9));
  assertEquals(placeOf(CALL), place(2, 8));

  assertMatch(short("function f() { a() }", "/a.js", { functions: true }), / P;a\(\) \}/);
  const code = (engine: SafepointsOptions["engine"]) =>
    transform("for (;;) {}", "/a.js", { engine }).output!.code;
  assert(code("v8").includes(`{${pollOf("v8")};}`));
  assertEquals(code("any"), code(undefined));

  const { config } = safepoints.vite() as unknown as Required<Plugin>;
  const { test } = config({}) as { test: { runner: string } };
  assertMatch(test.runner, /vitest_runner\.[jt]s$/);
  assert(!("test" in config({ test: { runner: "mine" } })));
  const { worker } = config({}) as { worker: { plugins(): { name: string }[] } };
  assertEquals(worker.plugins().map(({ name }) => name), ["async-interrupt-safepoints"]);
});
