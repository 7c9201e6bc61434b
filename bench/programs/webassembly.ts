/**
 * Measures modules that bench/webassembly.ts has made, beside a copy of this file. Arguments: their
 * names, first the one to compare with.
 */

import { readFileSync } from "node:fs";
import process from "node:process";

const ROUNDS = 7;
/** The argument of each loop, and how often it is called. */
const loops = { imul: [5e6, 1], sum: [5e6, 1], float: [1e6, 1], matmul: [50, 10] } as const;
type Loop = keyof typeof loops;
type Exports = Record<Loop, (n: number) => void>;

const word = new WebAssembly.Memory({ initial: 1 });
const global = new WebAssembly.Global({ value: "i32", mutable: true }, 0);
const flag = new Int32Array(word.buffer);
const call = () => {
  flag[0] = 0;
  global.value = 0;
};

const names = process.argv.slice(2);
const modules = names.map((name) => {
  const module = new WebAssembly.Module(readFileSync(new URL(`${name}.wasm`, import.meta.url)));
  const { exports } = new WebAssembly.Instance(module, { p: { word, global, call } });
  return { name, exports: exports as unknown as Exports, factors: 1, best: 0 };
});

for (const [loop, [n, times]] of Object.entries(loops) as [Loop, [number, number]][]) {
  for (const module of modules) module.best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    for (const module of modules) {
      // Engines compile a call that has never happened as if it never did.
      flag[0] = 1;
      global.value = 1;
      const before = process.cpuUsage();
      for (let i = 0; i < times; i++) module.exports[loop](n);
      const { user, system } = process.cpuUsage(before);
      module.best = Math.min(module.best, user + system);
    }
  }
  const factors = modules.map((module) => {
    const factor = module.best / modules[0]!.best;
    module.factors *= factor;
    return `${module.name} ${factor.toFixed(2)}`;
  });
  console.log(`${loop}: ${factors.join(", ")}`);
}
const means = modules.map(({ name, factors }) => {
  return `${name} ${(factors ** (1 / Object.keys(loops).length)).toFixed(2)}`;
});
const { deno, bun, node } = process.versions as Record<string, string>;
const runtime = deno ? `Deno ${deno}` : bun ? `Bun ${bun}` : `Node ${node}`;
console.log(`${runtime}, geometric mean: ${means.join(", ")}`);
