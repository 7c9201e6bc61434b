/** Loops of kernels.ts that count, cut into tiles with the checkpoint between them. */

import { checkpoint } from "../../mod.ts";

export function count(): number {
  let sum = 0;
  for (let start = 0; start < 40_000; start += 1024) {
    checkpoint();
    const end = Math.min(start + 1024, 40_000);
    for (let i = start; i < end; i++) sum = (sum + i) | 0;
  }
  return sum;
}

export function imul(): number {
  let x = 1;
  for (let start = 0; start < 40_000; start += 1024) {
    checkpoint();
    const end = Math.min(start + 1024, 40_000);
    for (let i = start; i < end; i++) x = (Math.imul(x, 1664525) + 1013904223) | 0;
  }
  return x;
}

export function floats(): number {
  let x = 0.5;
  let y = 0.25;
  for (let start = 0; start < 20_000; start += 1024) {
    checkpoint();
    const end = Math.min(start + 1024, 20_000);
    for (let i = start; i < end; i++) {
      x = x * 0.999 + y;
      y = y * 0.998 - x * 0.001;
    }
  }
  return x + y;
}
