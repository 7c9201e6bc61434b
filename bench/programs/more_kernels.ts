/** Like kernels.ts; only safepoints are measured in these, which other polls would not change. */

import { checkpoint } from "../../mod.ts";

export function regexes(): number {
  const line = /^(\w+)=(\d+);?$/;
  let sum = 0;
  for (let i = 0; i < 1000; i++) {
    checkpoint();
    const [, name, value] = line.exec(`key${i % 10}=${i};`)!;
    sum += name!.length * Number(value);
  }
  return sum;
}

export function generators(): number {
  function* squares(count: number): Generator<number> {
    for (let i = 0; i < count; i++) {
      checkpoint();
      yield i * i;
    }
  }
  let sum = 0;
  for (const square of squares(4000)) {
    checkpoint();
    sum = (sum + square) | 0;
  }
  return sum;
}
