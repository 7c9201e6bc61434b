/** Reproducible random numbers: the seed is printed, and `$ASYNC_INTERRUPT_SEED` sets it. */

import process from "node:process";

/** Returns and prints the seed of this run. */
export function randomSeed(): number {
  const seed = Number(process.env.ASYNC_INTERRUPT_SEED ?? Date.now()) >>> 0;
  console.log(`ASYNC_INTERRUPT_SEED=${seed}`);
  return seed;
}

/** Returns a generator of integers from 0 to below `limit`. */
export function randomNumbers(): (limit: number) => number {
  let state = randomSeed();
  return (limit) => {
    // SplitMix32: any seed is good, even consecutive ones.
    state = (state + 0x9e3779b9) | 0;
    let word = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
    return ((word ^ (word >>> 15)) >>> 0) % limit;
  };
}
