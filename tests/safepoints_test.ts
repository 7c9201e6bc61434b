import "../safepoints/runtime.ts";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { instrument } from "../safepoints/mod.ts";
import { pollOf } from "../safepoints/src/poll.ts";
import { interruptible } from "../mod.ts";
import { Buffer } from "node:buffer";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { originalPositionFor, type SourceMapInput, TraceMap } from "@jridgewell/trace-mapping";
import MagicString from "magic-string";
import { runtime, testsOf } from "./support/harness.ts";
import { start } from "./support/processes.ts";

const test = testsOf(import.meta.url);

const engine = runtime === "bun" ? "jsc" : "v8";

/** The code with the polls as `P`. */
function short(source: string, options: Parameters<typeof instrument>[1] = {}): string {
  // For this engine nothing is cut into tiles.
  const { code, safepoints } = instrument(source, { engine: "jsc", ...options });
  const polls = code.split(pollOf(options.engine ?? "jsc"));
  assertEquals(polls.length - 1, safepoints);
  assertEquals(code.split("\n").length, source.split("\n").length, "lines");
  return polls.join("P");
}

/** Source, and what it becomes. */
const forms: Record<string, [source: string, code: string][]> = {
  "`while`": [
    ["while (a) b();", "while (P,a) b();"],
    ["while (a) {}", "while (P,a) {}"],
    ["while (a);", "while (P,a);"],
    ["while(i--);", "while(P,i--);"],
    ["while /* ( */ (a) b()", "while /* ( */ (P,a) b()"],
    ["while ((a, b)) c();", "while (P,(a, b)) c();"],
    ["while ((a), b) c();", "while (P,(a), b) c();"],
    ["while (a) while (b) c();", "while (P,a) while (P,b) c();"],
    ["if (a) while (b) if (c) d(); else e();", "if (a) while (P,b) if (c) d(); else e();"],
  ],
  "`do`": [
    ["do a(); while (b)", "do a(); while (P,b)"],
    ["do {} while (a) b()", "do {} while (P,a) b()"],
    ["do do a(); while (b); while (c)", "do do a(); while (P,b); while (P,c)"],
    ["do while (a) b(); while (c)\nd()", "do while (P,a) b(); while (P,c)\nd()"],
    ["do a: while (b) continue a; while (c);", "do a: while (P,b) continue a; while (P,c);"],
  ],
  "`for`": [
    ["for (let i = 0; i < 9; i++) a(i);", "for (let i = 0; P,i < 9; i++) a(i);"],
    ["for (;;);", "for (;;)if(P);else ;"],
    ["for (async of => 1;;) break", "for (async of => 1;;) if(P);else break"],
    ["for (;;) {}", "for (;;) {P;}"],
    ["for (;;) { a(); continue }", "for (;;) {P; a(); continue }"],
    ["for (;; a()) if (b) break; else c()", "for (;; a()) if(P);else if (b) break; else c()"],
    ["if (a) for (;;) b(); else c();", "if (a) for (;;) if(P);else b(); else c();"],
    ["for (var i = 0, j; (i, j);) k", "for (var i = 0, j; P,(i, j);) k"],
    ["for (;;) a: for (;;) continue a", "for (;;) if(P);else a: for (;;) if(P);else continue a"],
  ],
  "`for-in` and `for-of`": [
    ["for (a in b) c();", "for (a in b) if(P);else c();"],
    ["for (a of b) {}", "for (a of b) {P;}"],
    ["for (var i = 0 in {});", "for (var i = 0 in {})if(P);else ;"],
    ["for (let of of x);", "for (let of of x)if(P);else ;"],
    [
      "if (a) for (b of c) if (d) e(); else f();",
      "if (a) for (b of c) if(P);else if (d) e(); else f();",
    ],
    ["if (a) for (b of c) d(); else e();", "if (a) for (b of c) if(P);else d(); else e();"],
    ["for (a of b) for (c in d) e()", "for (a of b) if(P);else for (c in d) if(P);else e()"],
    ["for (a of b) function_()\nc()", "for (a of b) if(P);else function_()\nc()"],
    [
      "async () => { for await (const a of b) c() }",
      "async () => { for await (const a of b) if(P);else c() }",
    ],
  ],
};

/** Loops, and how many safepoints they get. Those with few turns need none. */
const turns: [source: string, safepoints: number][] = [
  ["for (let i = 0; i < 100; i++) s += i;", 0],
  ["for (let i = 0; i < 101; i++) s += i;", 1],
  ["for (let i = 0; i <= 99; i++) s += i;", 0],
  ["for (let i = 0; i <= 100; i++) s += i;", 1],
  ["for (var i = 100; i > 0; i -= 1) { if (s[i]) break; }", 0],
  ["for (let i = 100; i >= 0; --i) s += i;", 1],
  ["for (let i = 0; i < 1000; i += 10) s += i;", 0],
  ["for (let i = 0; i < 10; i++) for (let j = 0; j < 10; j++) s += i;", 0],
  ["const n = 9; for (let i = 0; i < n; i++) s += i;", 0],
  ["const a = 0, n = 9; { for (let i = a; i < n; i++) s += i; }", 0],
  ["export const n = 9; function f(a) { for (let i = 0; i < n; i++) s += i; }", 0],
  ["switch (a) { default: const n = 9; for (let i = 0; i < n; i++) s += i; }", 0],
  ["for (const n = 9;;) { for (let i = 0; i < n; i++) s += i; break }", 1],
  // It would never end.
  ["for (let i = 0; i < 9; i--) s += i;", 1],
  ["for (let i = 9; i > 0; i++) s += i;", 1],
  ["for (let i = 0; i < 9; i += 0) s += i;", 1],
  ["for (let i = 0; i < 1; i += 1e-20) s += i;", 1],
  ["for (let i = 9007199254740992; i < 9007199254740999; i++) s += i;", 1],
  ["for (let i = 0; i < 9; i++) i = 0;", 1],
  ["for (let i = 0; i < 9; i++) [i] = s;", 1],
  ["for (let i = 0; i < 9; j++) s += i;", 1],
  ["for (let i = 0, j = 0; i < 9; j++) s += i;", 1],
  ["for (let i = 0; i < 9; ) s += i++;", 1],
  // Nothing tells.
  ["for (let i = 0; i < n; i++) s += i;", 1],
  ["for (let i = n; i < 9; i++) s += i;", 1],
  ["for (let i = 0n; i < 9n; i++) s += i;", 1],
  ["for (let i = 0; i < '9'; i++) s += i;", 1],
  ["for (i = 0; i < 9; i++) s += i;", 1],
  ["let n = 9; for (let i = 0; i < n; i++) s += i;", 1],
  ["const { n } = s; for (let i = 0; i < n; i++) s += i;", 1],
  ["const n = 9; { let n = s; for (let i = 0; i < n; i++) s += i; }", 1],
  ["const n = 9; function f(n) { for (let i = 0; i < n; i++) s += i; }", 1],
  ["const n = 9; const f = ({ n }) => { for (let i = 0; i < n; i++) s += i; };", 1],
  ["const n = 9; const f = function n() { for (let i = 0; i < n; i++) s += i; };", 1],
  ["const n = 9; () => { if (s) { var n = s } for (let i = 0; i < n; i++) s += i; };", 1],
  ["const n = 9; { function n() {} for (let i = 0; i < n; i++) s += i; }", 1],
  ["const n = 9; { class n {} for (let i = 0; i < n; i++) s += i; }", 1],
  ["const n = 9; try {} catch (n) { for (let i = 0; i < n; i++) s += i; }", 1],
  ["{ const n = 9; } for (let i = 0; i < n; i++) s += i;", 1],
  ["import n from 'n'; for (let i = 0; i < n; i++) s += i;", 1],
  ...[
    "type n = number; const m: n = 10; const n = 3e8; @",
    "const n = 3e8; function f() { const s: typeof n | 10 = 10; @ }",
    "const n = 9; namespace A { export let n = 3e8 } namespace A { @ }",
    "const n = 9; namespace A { import n = s.x; @ }",
    "const n = 9; enum E { n = 300000000, s = (() => { @ })() }",
    "const n = 9; class A { static { if (s) { var n = 3e8 } @ } }",
    "const n = 9; function f() { { function n() {} } n = s; @ }",
    "const n = 9; function f() { { a: function n() {} } n = s; @ }",
    "switch ((() => { @ })()) { case 0: const n = 9 }",
    "declare const n = 9; @",
    "const n = 9; (class n { static { @ } });",
    "const n = 9; function f() { eval(s); @ }",
    "let f = () => { const a = 1 }, n = 9; @",
    "function f() { const n = 9 } @",
  ].map((source): [string, number] => [
    source.replace("@", "for (let i = 0; i < n; i++) s += i;"),
    1,
  ]),
  ["for (let i = 0, j = (i = s); i < 9; i++) s += i;", 1],
  ["for (var i = 0, i = s; i < 9; i++) s += i;", 1],
  // They take long.
  ["for (let i = 0; i < 9; i++) [...s] = i;", 1],
  ["for (let i = 0; i < 9; i++) ({ a, ...s } = i);", 1],
  ["for (let i = 0; i < 9; i++) s();", 1],
  ["a: for (let i = 0; i < 9; i++) { continue a; }", 1],
];

/**
 * What is cut into tiles: T, S, L and U stand for the start of a tile, E, D and F for its end, and
 * [], <> for what is around the test.
 */
const tiles: [source: string, code: string][] = [
  [
    "for (let i = 0; i < 5000; i++) s += i;",
    "for (let i = 0; i < 5000;){L(i,3976,5000); i++) s += i;F",
  ],
  ["for (let $ = 0.5; $<900 ; $++) n--", "for (let $ = 0.5; $<900;){L($,-124,900) ; $++) n--F"],
  ...[
    "for (let i = 0; @i < n#; i++^) s += i;",
    "for (let i = a; @i < 900#; i++^) c;",
    "for (let i = 1e10; @i < 900#; i++^) c;",
    "for (let i = 0n; @i < 900#; i++^) c;",
    "for (let i = 0; @900 > i#; i++^) c;",
    "for (let i = 0; @i.a < 900#; i++^) c;",
    "for (let i = 0; @i < 0700#; i++^) c;",
    "for (let i = 0; @i < 2147483648#; i++^) c;",
    "for (let i = 0; @i < 900#; i--^) c;",
    "for (let i = 0; @i < 900#; i += c^) d;",
    "for (let i = 0; @i < 900#; i++^) i = c;",
    "for (let i = 0; @i < 900#; i++^) c = i++;",
    "for (let i = 0; @i < i--#; i++^) c;",
    "for (let i = 0; @i < 900#; i++^) [i] = c;",
    "for (let i = 0; @i < 900#; i++^) (i) = c;",
    "for (let i = 0; @i < 900#; i++^) { if (a) break; }",
    "for (var i = 0; @i < 900#; i++^) { var i = c }",
    "for (var i = 0; @i < 900#; i++^) { var { i } = c }",
    "for (var i = 0; @i < 900#; i++^) c;",
    "for (let i = 0, j = (i = '1'); @i < 900#; i++^) c;",
    "for (i = 0; @i < 900#; i++^) c;",
    "for (let a = 0; @\\u0061 < 900#; a++^) c;",
    "for (; @a#; (b, c)^ /* d */) e",
    "for (; @a /* b */ || c#; b = c^ // d\n) { if (e) continue; }",
  ].map((code): [string, string] => [
    code.replaceAll(/[@#^]/g, ""),
    `${code.replace("@", ";){S").replace("#", "]").replace("^", ",N++")};D`,
  ]),
  // The inner loop ends first.
  [
    "for (let i = 0; i < 900; i++) for (let j = 2; j--;);",
    "for (let i = 0; i < 900;){L(i,-124,900); i++) for (let j = 2; ;){T for(;[j--];);;EF",
  ],
  [
    "for (; a; b++) for (; c; d++) e++;",
    "for (; ;){Sa]; b++,N++) for (; ;){Sc]; d++,N++) e++;;D;D",
  ],
  ["for (; a;) {}\nb", "for (; ;){T for(;[a];) {};E\nb"],
  ["for (; (a, b);) c\nd()", "for (; ;){T for(;[(a, b)];) c;E\nd()"],
  ["while (i--);", "for(;;){T while ([i--]);;E"],
  [
    "if (a) while (b) if (c) d = e; else f;",
    "if (a) for(;;){T while ([b]) if (c) d = e; else f;;E",
  ],
  [
    "while (a) s += Math.sin(b.charCodeAt(c));",
    "for(;;){T while ([a]) s += Math.sin(b.charCodeAt(c));;E",
  ],
  [
    "a: for (; b;) { while (c) { d++; continue a } }",
    "a: for (; P,b;) { for(;;){T while ([c]) { d++; continue a };E }",
  ],
  ["while (a) for (; b;) c;", "for(;;){T while ([a]) for (; ;){T for(;[b];) c;;E;E"],
  ["while (a) s += BigInt.asIntN(64, b);", "for(;;){T while ([a]) s += BigInt.asIntN(64, b);;E"],
  ["while (a) do b; while (c)", "for(;;){T while ([a]) for(;;){U do b; while (<c>);E;E"],
  ["if (a) do b--; while (c); else d", "if (a) for(;;){U do b--; while (<c>);;E else d"],
  ["do { a++ } while (a < b)\nc", "for(;;){U do { a++ } while (<a < b>);E\nc"],
  ...["a || b", "a ?? b", "a ? b : c", "a = b", "a, b"].flatMap((test): [string, string][] => [
    [`while (${test}) c;`, `for(;;){T while ([${test}]) c;;E`],
    [`do c; while (${test})`, `for(;;){U do c; while (<${test}>);E`],
  ]),
  // Not these.
  ...[
    "while (P,a()) b;",
    "while (P,BigInt(a)) b;",
    "while (P,a) b = new C;",
    "while (P,a) b = () => c;",
    "while (P,a) b = class {};",
    "while (P,a) b = { c() {} };",
    "while (P,a) b = [...c];",
    "while (P,a) b = c`d`;",
    "while (P,a) b **= c ** d;",
    "for (let i = (() => i); P,a;) b;",
    "a: while (P,b) { continue a }",
    "a: do { continue a } while (P,b)",
    "a: b: for (; P,c;) { break a }",
    "async () => { while (P,a) await b }",
    "function* f() { while (P,a) yield b }",
    "do { a() } while (P,a < b)",
  ].map((code): [string, string] => [code.replace("P,", ""), code]),
];

/** With `functions`. */
const functions: [source: string, code: string][] = [
  ["function f() { a() }", "function f() { P;a() }"],
  ["function f() {}", "function f() {P;}"],
  ["function f() { 'use strict'; a() }", "function f() { 'use strict'; P;a() }"],
  ["function f() { 'use strict'\na() }", "function f() { 'use strict'\nP;a() }"],
  ["function f() { 'use strict' }", "function f() { 'use strict' }"],
  ["(a = b(), { c } = d) => a", "(a = b(), { c } = d) => P?0:a"],
  ["a => ({})", "a => P?0:({})"],
  ["a => (b, c)", "a => P?0:(b, c)"],
  ["a => b => b ? c : d", "a => P?0:b => P?0:b ? c : d"],
  ["async a => await a", "async a => P?0:await a"],
  ["a => { b }", "a => { P;b }"],
  ["() => {}", "() => {P;}"],
  ["async function* f() { yield 1 }", "async function* f() { P;yield 1 }"],
  [
    "({ a() { b }, get c() { return d }, set c(_) { d }, async *[e]() { f } })",
    "({ a() { P;b }, get c() { P;return d }, set c(_) { P;d }, async *[e]() { P;f } })",
  ],
  ["class A { static { a } b = () => c }", "class A { static { P;a } b = () => P?0:c }"],
  [
    "class A extends B { constructor() { super(); a() } }",
    "class A extends B { constructor() { super(); P;a() } }",
  ],
  [
    "class A extends B { constructor() { a(); super() } }",
    "class A extends B { constructor() { P;a(); super() } }",
  ],
  ["function f(a = () => { while (b) c }) {}", "function f(a = () => { P;while (P,b) c }) {P;}"],
];

test("every form of loop gets a safepoint at its back-edge, and with `functions` every kind of function at its entry", () => {
  for (const [source, code] of Object.values(forms).flat()) assertEquals(short(source), code);
  for (const [source, code] of tiles) {
    const tiled = short(source, { engine: "v8" }).replaceAll("$safepoint1N", "N")
      .replaceAll("P;let N=1025;", "T ").replaceAll("P;let N=1024;", "U ")
      .replaceAll("P;let N=0;for(;N<1024&&(", "S")
      .replaceAll(/P;let N=(.+?)<(.+?)\?\1\+1024\|0:(\d+);for\(;\1<N/g, "L($1,$2,$3)")
      .replaceAll("if(N)break}", "E").replaceAll("if(N<1024)break}", "D").replaceAll("/*N*/}", "F")
      .replaceAll("/*N*/(", "<").replaceAll(")&&(N=N-1|0)", ">")
      .replaceAll("(N=N-1|0)&&(", "[").replaceAll("/*N*/)", "]");
    assertEquals(tiled, code);
  }
  for (const [source, safepoints] of turns) {
    assertEquals(instrument(source, { engine, filename: "a.mts" }).safepoints, safepoints, source);
  }
  for (const [source, code] of functions) {
    assertEquals(short(source, { functions: true }), code);
    assertEquals(short(source).replace("while (P,", "while ("), source);
  }
  // What stands before has no semicolon.
  for (
    const source of [
      "return (function () { 'use strict'\nreturn 5 })()",
      "return new (class extends Object { constructor() { super()\nthis.a = 5 } })().a",
    ]
  ) {
    const { code } = instrument(source, { engine, functions: true, filename: "a.cjs" });
    assertEquals(new Function(code)(), 5, code);
  }
});

test("random programs do the same with and without safepoints", async () => {
  const program = new URL("./programs/safepoints_random.ts", import.meta.url);
  const { code, stdout, stderr } = await start(program).ended;
  assertEquals(code, 0, stdout + stderr);
});

test("safepoints stand in all kinds of files, and what must stay as it is stays", () => {
  for (
    const source of [
      "'use strict'",
      "#!/usr/bin/env node\n",
      "with (a) { for (;;); (() => { while (b); })() }",
      "function f() { 'use asm'; function g() { while (1); } return g }",
      "function f(f = function () { 'use asm'; while (1); }) {}",
      "a = '/* while (1); */'; b = /while(1);/; c = `while(${d});`; a?.for(b); a.while(b)",
      "a <!-- while (1);\n--> while (1);",
      "({ for(a) { b }, while() { c } })",
      "let $safepoint1N = 5; while ($safepoint1N) $safepoint1N--;",
    ]
  ) assertEquals(instrument(source), { code: source, safepoints: 0 });

  const rows: [filename: string, source: string, code: string][] = [
    ["a.js", "#!/usr/bin/env node\nwhile (a);", "#!/usr/bin/env node\nwhile (P,a);"],
    ["a.js", "\uFEFFwhile (a);", "\uFEFFwhile (P,a);"],
    ["a.js", "'é😀'; while (a);", "'é😀'; while (P,a);"],
    ["a.js", "return; while (a);", "return; while (P,a);"],
    ["a.js", "a <!-- b\nwhile (a);", "a <!-- b\nwhile (P,a);"],
    ["a.js", "await a; while (b);", "await a; while (P,b);"],
    ["a.js", "var await = 1; while (b);", "var await = 1; while (P,b);"],
    ["a.js", "with (a) b; while (b);", "with (a) b; while (P,b);"],
    ["a.js", "import a from 'a'; while (b);", "import a from 'a'; while (P,b);"],
    ["a.cjs", "return; while (a);", "return; while (P,a);"],
    ["a.mjs", "await a; for await (b of c);", "await a; for await (b of c)if(P);else ;"],
    ["a.ts", "while (<b> a) c as d;", "while (P,<b> a) c as d;"],
    ["a.mts", "enum A {} while (a satisfies b);", "enum A {} while (P,a satisfies b);"],
    ["a.cts", "import a = require('a'); while (a);", "import a = require('a'); while (P,a);"],
    ["a.ts", "declare function f(): void; while (a);", "declare function f(): void; while (P,a);"],
    ["a.tsx", "while (a) b = <c>{() => d}</c>;", "while (P,a) b = <c>{() => d}</c>;"],
    ["a.jsx", "while (a) b = <c>while (d);</c>;", "while (P,a) b = <c>while (d);</c>;"],
  ];
  for (const [filename, source, code] of rows) {
    assertEquals(short(source, { filename }), code, filename);
  }

  // Nested too deeply for a recursion.
  const deep = `while (a) b(${"a + ".repeat(3000)}a);`;
  assertEquals(instrument(deep).safepoints, 1);
  assertThrows(() => instrument("while (", { filename: "a.js" }), SyntaxError, "a.js");
  assertThrows(() => instrument("let a: string"), SyntaxError);
  const { code } = instrument("while (a);");
  assertEquals(instrument(code), { code, safepoints: 0 });
});

/** Loops that never end by themselves. */
const endless = [
  "let i = 0; for (; i < 1;);",
  "let i = 0; while (i < 5) { if (i > 3) i = 0; i++; continue; }",
  "while (true);",
  "do ; while (1)",
  "for (;;);",
  "for (let i = 0;; i++) { if (i % 2) continue; }",
  "a: for (;;) { for (;;) continue a; }",
  "for (let i = 0; i < 1e9; i--);",
  "const list = [1]; for (const item of list) list.push(item);",
  "for (const _ of { *[Symbol.iterator]() { while (true) yield; } });",
  "const queue = [1]; while (queue.length) queue.push(queue.shift());",
  "with ({}) ; for (const a in { b: 1 }) for (;;);",
  "let i = 0; while (true) switch (i++ % 3) { case 0: continue; case 1: break }",
];

test("`interruptible()` stops every kind of endless loop and recursion, and `finally` runs", async () => {
  for (const source of endless) {
    const text = `try { ${source} } finally { state.cleaned = true }`;
    const { code } = instrument(text, { engine });
    const state = { cleaned: false };
    const run = new Function("state", code);
    assertThrows(() => interruptible(() => run(state), { timeout: 5 }), DOMException, "5 ms", code);
    assert(state.cleaned, source);
  }

  for (
    const source of [
      "function f(n) { return n < 1 ? 1 : f(n - 1) + f(n - 1) } f(99)",
      "const f = (n) => n < 1 ? 1 : f(n - 1) + f(n - 1); f(99)",
      "class A { get a() { return this.b + this.b } get b() { return f(99) } }" +
      "const f = (n) => n && f(n - 1) + f(n - 1); new A().a",
    ]
  ) {
    const run = new Function(instrument(source, { engine, functions: true }).code);
    assertThrows(() => interruptible(() => run(), { timeout: 5 }), DOMException, "5 ms", source);
  }
  const source = "return (async () => { for await (const a of b) for (;;); })()";
  const run = new Function("b", instrument(source, { engine }).code);
  const work = async () => await interruptible(() => run([1]), { timeout: 5 });
  assertEquals(await work().catch((error) => error.name), "TimeoutError");
});

test("the text of a function is what its author wrote, and nothing can be seen", () => {
  const source = `function f(a = () => b) { while (a) a(); while (b) b--; for (;b;) b++
    for (;;) if (b) c(); else
    d(); for (const e of f) { (g) => g } }`;
  for (const engine of ["v8", "any"] as const) {
    const { code } = instrument(source, { engine, functions: true });
    const made = new Function(`"use strict"; ${code}; return f`)();
    assertEquals(made.toString(), source);
    assertEquals(`${made}`, source);
  }
  const { toString } = Function.prototype;
  assert(toString.call(toString).includes("[native code]"));
  assertEquals([toString.name, toString.length], ["toString", 0]);
  assertThrows(() => toString.call({} as never), TypeError);
  for (const name in globalThis) assert(!name.includes("safepoint"));
});

/** What every copy of the core offers, and what `$safepoint1M` is. */
interface Globals {
  $safepoint1M: Int32Array;
  [key: symbol]: { targets: Target[]; added(target: Target): void };
}
interface Target {
  memory: Int32Array;
  index: number;
  mask: number;
  checkpoint(): void;
}

test("safepoints call each version of the core that the program loads", () => {
  const globals = globalThis as unknown as Globals;
  const meeting = globals[Symbol.for("async-interrupt.safepoints.1")]!;
  const [target] = meeting.targets as [Target];
  assertEquals(globals.$safepoint1M[0], target.memory[target.index]);
  const run = new Function("onTurn", instrument("for (;;) onTurn()", { engine }).code);
  const turns = (count: number) => {
    assertThrows(() => run(() => assert(count-- > 0, "end")), Error, "end");
  };
  let calls = 0;
  const other = { memory: new Int32Array(9), index: 8, mask: 64, checkpoint: () => void calls++ };
  // The same one again, such as that of `require()`.
  meeting.added({ ...target, checkpoint: other.checkpoint });
  turns(100);
  assertEquals(calls, 0);
  for (let versions = 1; versions < 3; versions++) {
    meeting.added({ ...other, memory: new Int32Array(9) });
    calls = 0;
    turns(100);
    assertEquals(calls, 101 * versions);
    assertThrows(() => interruptible(() => run(() => {}), { timeout: 5 }), DOMException, "5 ms");
  }
});

/** Where the map says that `word` of the code comes from: file, line and column. */
function originOf(word: string, { code, map }: { code: string; map?: object }) {
  const lines = code.slice(0, code.indexOf(word)).split("\n");
  const { source, line, column } = originalPositionFor(
    new TraceMap(map as SourceMapInput),
    { line: lines.length, column: lines.at(-1)!.length },
  );
  return `${source}:${line}:${column}`;
}

test("in a map, a safepoint before a loop stands where the loop does", () => {
  // Compilers have no places for white space: here the first is that of `while`.
  const map = { version: 3, sources: ["a.x"], names: [], mappings: "CAEA" };
  const url = `data:application/json,${encodeURIComponent(JSON.stringify(map))}`;
  const source = `\twhile (a) b;\n//# sourceMappingURL=${url}`;
  const result = instrument(source, { filename: "/folder/b.js", sourceMap: true, engine: "v8" });
  assertEquals(result.code.indexOf("for("), 1);
  assertEquals(originOf(pollOf("v8"), result), "/folder/a.x:3:0");
});

test("source maps lead to the source, and through its own map to where that came from", () => {
  const source = `a(); while (one) two(three);
for (;;) four(); do { five() } while (six); seven;
() => eight;`;
  const words = ["one", "two", "three", "four", "five", "six", "seven", "eight"];
  const positions = (text: string, file: string) =>
    words.map((word) => {
      const lines = text.slice(0, text.indexOf(word)).split("\n");
      return `${file}:${lines.length}:${lines.at(-1)!.length}`;
    });
  const options = { filename: "/folder/b.js", functions: true, sourceMap: true };
  const plain = instrument(source, options);
  assertEquals(words.map((word) => originOf(word, plain)), positions(source, "/folder/b.js"));
  assertEquals(instrument("a", options).safepoints, 0);
  assertEquals(originOf("a", instrument("a", options)), "/folder/b.js:1:0");

  // What a compiler does: it takes out something in each line, and adds a line.
  const original = source.replace(/\b(?=one|four|eight)/g, "ADDED ");
  const compiled = new MagicString(original);
  for (const { index } of original.matchAll(/ADDED /g)) compiled.remove(index, index + 6);
  compiled.prepend("// compiled\n");
  const map = compiled.generateMap({ source: "a.x", hires: true }).toString();
  const folder = mkdtempSync(join(tmpdir(), "safepoints-"));
  try {
    writeFileSync(join(folder, "b.js.map"), map);
    for (
      const url of [
        `data:application/json;charset=utf-8;base64,${Buffer.from(map).toString("base64")}`,
        `data:application/json,${encodeURIComponent(map)}`,
        "b.js.map",
      ]
    ) {
      const text = `${compiled}\n//# sourceMappingURL=${url}\n`;
      const chained = instrument(text, { ...options, filename: join(folder, "b.js") });
      assertEquals(
        words.map((word) => originOf(word, chained)),
        positions(original, join(folder, "a.x")),
      );
      assert(!chained.code.includes("sourceMappingURL"));
      assertEquals(chained.code.split("\n").length, text.split("\n").length);
    }
    for (const url of ["data:application/json,{}", "data:application/json,", "missing.map"]) {
      const text = `${source}\n//# sourceMappingURL=${url}`;
      const broken = instrument(text, options);
      assertEquals(originOf("six", broken), originOf("six", plain), url);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
