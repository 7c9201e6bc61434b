/**
 * Random numbers that can be had again: the seed is printed, and taken back from
 * `$ASYNC_INTERRUPT_SEED`.
 */

import process from "node:process";

/** The seed of this run, printed. */
export function randomSeed(): number {
  const seed = Number(process.env.ASYNC_INTERRUPT_SEED ?? Date.now()) >>> 0;
  console.log(`ASYNC_INTERRUPT_SEED=${seed}`);
  return seed;
}

/** Gives whole numbers from 0 to below `limit`. */
export function randomNumbers(): (limit: number) => number {
  let state = randomSeed();
  return (limit) => {
    // SplitMix32: any seed will do, also those that follow each other.
    state = (state + 0x9e3779b9) | 0;
    let word = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
    return ((word ^ (word >>> 15)) >>> 0) % limit;
  };
}
