/**
 * `deno run -A bench/webassembly.ts`: what safepoints at the loop heads of a WebAssembly module
 * would cost, on all runtimes. See "Why not WebAssembly" in safepoints/README.md.
 */

import { npmInstall } from "../scripts/lib/npm_install.ts";
import { run } from "../scripts/lib/run.ts";
import { bun, node } from "../scripts/lib/toolchain.ts";
import { toJavaScript } from "../scripts/lib/transpile.ts";

/** The part of binaryen that is used here. */
interface Binaryen {
  Features: Record<"MultiMemory" | "MutableGlobals", number>;
  parseText(text: string): {
    setFeatures(features: number): void;
    validate(): number;
    optimize(): void;
    emitBinary(): Uint8Array<ArrayBuffer>;
  };
}

/** What stands at a loop head, and what it needs. */
const variants: Record<string, { imports?: string; local?: string; poll?: string }> = {
  plain: {},
  memory: {
    imports: '(import "p" "word" (memory $p 1)) (import "p" "call" (func $call))',
    poll: "(if (i32.and (i32.load $p (i32.const 0)) (i32.const 5)) (then (call $call)))",
  },
  global: {
    imports: '(import "p" "global" (global $g (mut i32))) (import "p" "call" (func $call))',
    poll: "(if (i32.and (global.get $g) (i32.const 5)) (then (call $call)))",
  },
  counter: {
    imports: '(import "p" "call" (func $call))',
    local: "(local $turns i32)",
    poll: `(if (i32.eqz (local.tee $turns (i32.sub (local.get $turns) (i32.const 1))))
      (then (local.set $turns (i32.const 256)) (call $call)))`,
  },
};

const programs = new URL("programs/", import.meta.url);
const folder = new URL("../build/webassembly/", import.meta.url);
await Deno.mkdir(folder, { recursive: true });
await npmInstall(folder.pathname, { binaryen: "132.0.0" });
const entry = new URL("node_modules/binaryen/index.js", folder);
const { default: binaryen }: { default: Binaryen } = await import(entry.href);

const text = await Deno.readTextFile(new URL("webassembly.wat", programs));
const { MultiMemory, MutableGlobals } = binaryen.Features;
for (const [name, { imports = "", local = "", poll = "" }] of Object.entries(variants)) {
  const module = binaryen.parseText(
    text.replace("(module", `(module ${imports}`)
      .replace(/^ +\(func .*/gm, `$& ${local}`)
      .replace(/\(loop \$\w+/g, `$& ${poll}`),
  );
  // With more, it writes modules that no runtime reads yet.
  module.setFeatures(MultiMemory | MutableGlobals);
  if (!module.validate()) throw new Error(`binaryen finds ${name} invalid`);
  module.optimize();
  await Deno.writeFile(new URL(`${name}.wasm`, folder), module.emitBinary());
}

const source = await Deno.readTextFile(new URL("webassembly.ts", programs));
const program = new URL("webassembly.mjs", folder).pathname;
await Deno.writeTextFile(program, toJavaScript(source, "webassembly.ts"));
for (
  const command of [
    [await node("22")],
    [await node("26")],
    [Deno.execPath(), "run", "-A"],
    [await bun()],
  ]
) {
  const { ok, output } = await run([...command, program, ...Object.keys(variants)]);
  if (!ok) throw new Error(output);
  console.log(output);
}
