import { format } from "../lib/format.ts";
import type { Column, Results, Runtime, Target } from "../lib/question.ts";
import { javaScriptRuntimes } from "../lib/runtimes.ts";

/** A target that each of these runtimes must meet with one figure. NaN means not measured. */
export function verdict(
  text: string,
  figure: (runtime: Runtime) => number,
  unit: Column["unit"],
  meets: (figure: number) => boolean,
  runtimes: readonly Runtime[] = javaScriptRuntimes,
): Target {
  const figures = runtimes.map((runtime) => figure(runtime));
  const measured = figures.flatMap((value, i) =>
    Number.isNaN(value) ? [] : `${format(value, unit)} (${runtimes[i]})`
  );
  const missed = figures.some((value) => !Number.isNaN(value) && !meets(value));
  const complete = measured.length === figures.length;
  return {
    text,
    measured: measured.join(", "),
    met: missed ? false : complete ? true : undefined,
  };
}

/** The median of our result on that runtime. */
export function ours(
  results: Results,
  runtime: Runtime,
  key: string,
  name?: string,
): number {
  return results.ours(runtime, name)?.median(key) ?? NaN;
}
