/** Programs from npm that compute for long, as they are or with safepoints. */

import { readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import process from "node:process";

/** Does all its work when it is called; may return a promise. */
export type Work = () => unknown;
/** What becomes of the text of a file. */
export type Transform = (source: string) => string;

const packages = `${process.env.BENCH_PEERS}node_modules/`;
const read = (file: string): string => readFileSync(packages + file, "utf8");

/** Loads a file of CommonJS, always a new copy and always in the same way. */
// deno-lint-ignore no-explicit-any
function load(file: string, transform: Transform): any {
  // Beside it are the packages that it needs.
  const path = realpathSync(packages + file);
  const module = { exports: {} };
  new Function("exports", "require", "module", "__filename", "__dirname", transform(read(file)))(
    module.exports,
    createRequire(path),
    module,
    path,
    dirname(path),
  );
  return module.exports;
}

/** Each makes its work from a copy of the package. */
export const works: Record<string, (transform: Transform) => Work> = {
  acorn(transform) {
    const { parse } = load("acorn/dist/acorn.js", transform);
    const source = read("acorn/dist/acorn.js");
    return () => parse(source, { ecmaVersion: "latest", locations: true });
  },
  marked(transform) {
    const { parse } = load("marked/lib/marked.umd.js", transform);
    const source = read("terser/README.md");
    return () => parse(source);
  },
  prettier(transform) {
    const { format } = load("prettier/standalone.js", transform);
    const plugins = ["babel", "estree"].map((name) => {
      return load(`prettier/plugins/${name}.js`, transform);
    });
    const text = Array.from({ length: 150 }, (_, i) => `
      const a${i} = (b, c) => { if (b > ${i}) { return c.map((d) => d + ${i}) } else {
        for (const e of c) f${i}(e, { g: ${i}, h: [b] }) } };`).join("\n");
    return () => format(text, { parser: "babel", plugins });
  },
  terser(transform) {
    const { minify_sync } = load("terser/dist/bundle.min.js", transform);
    const source = read("marked/lib/marked.umd.js");
    return () => minify_sync(source, { compress: { passes: 1 } });
  },
  typescript(transform) {
    const ts = load("typescript/lib/typescript.js", transform);
    const text = Array.from({ length: 25 }, (_, i) => `
      interface A${i}<T> { b: T; c?: A${i}<T[]>; d(this: A${i}<T>, e: keyof T): Partial<T>; }
      export function f${i}<T extends { n: number; s: string }>(a: A${i}<T>, list: readonly T[]) {
        const sums = list.map(({ n, s }) => ({ n: n + ${i}, s: s.padEnd(n) })).filter((x) => x.n > 1);
        return { ...a, sums, first: sums[0]?.s ?? Object.keys(a.d("n" as keyof T)).join() };
      }`).join("\n");
    const options = { target: ts.ScriptTarget.ES2022, lib: ["lib.es2022.d.ts"], types: [] };
    const plain = ts.createCompilerHost(options);
    const files = new Map<string, unknown>();
    const host = {
      ...plain,
      getSourceFile(name: string, ...rest: unknown[]) {
        if (name === "a.ts") return ts.createSourceFile(name, text, ts.ScriptTarget.ES2022, true);
        // The library is parsed once.
        if (!files.has(name)) files.set(name, plain.getSourceFile(name, ...rest));
        return files.get(name);
      },
      writeFile() {},
    };
    return () => {
      const program = ts.createProgram(["a.ts"], options, host);
      const [error] = ts.getPreEmitDiagnostics(program);
      if (error !== undefined) throw new Error(JSON.stringify(error.messageText));
      program.emit();
    };
  },
};
