import type { Sample } from "./question.ts";

/** All values of a column in ascending order; the values of distributions are pooled. */
export function sorted(samples: readonly Sample[], key: string): number[] {
  // JSON has turned NaN into null.
  return samples.flatMap((sample) => sample[key] ?? [])
    .filter(Number.isFinite).sort((a, b) => a - b);
}
