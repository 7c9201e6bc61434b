import type { Sample } from "./question.ts";

/** All values of a column, in order; of distributions pooled. */
export function sorted(samples: readonly Sample[], key: string): number[] {
  // NaN has become null on its way through JSON.
  return samples.flatMap((sample) => sample[key] ?? [])
    .filter(Number.isFinite).sort((a, b) => a - b);
}
