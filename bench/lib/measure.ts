import { quantileSorted } from "simple-statistics";
import type { Column, Contestant, Result, Results, Sample } from "./question.ts";
import { sorted } from "./sorted.ts";

/** How often {@linkcode measure} measures. */
export interface MeasureOptions {
  /** Exactly so many rounds; otherwise as many as `seconds` allow. */
  rounds?: number;
  seconds: number;
  /** Called before each round. */
  progress(round: number): void;
}

// Fewer rounds show no spread, more add no information.
const fewest = 3;
const most = 15;

/**
 * Runs all contestants once per round, so that other load on the machine affects all of them. The
 * order changes from round to round, so that no contestant always runs after the same one.
 */
export async function measure(
  contestants: readonly Contestant[],
  columns: readonly Column[],
  { rounds, seconds, progress }: MeasureOptions,
): Promise<Results> {
  const all = contestants.map((contestant) => new Measured(contestant));
  const start = performance.now();
  const more = (done: number) => {
    if (rounds !== undefined) return done < rounds;
    // Assumes that the next round takes as long as the average one.
    const elapsed = (performance.now() - start) / 1000;
    return done < fewest || done < most && elapsed + elapsed / done <= seconds;
  };
  for (let round = 0; more(round); round++) {
    progress(round);
    const order = all.map((_, i) => all[(i + round) % all.length]!);
    if (round % 2 === 1) order.reverse();
    for (const result of order) await result.runOnce();
  }
  const find = (ours: boolean, runtime?: string) =>
    all.filter(({ contestant }) =>
      contestant.ours === ours &&
      (runtime === undefined || contestant.runtime === runtime)
    );
  return {
    columns,
    all,
    ours: (runtime, name) =>
      find(true, runtime).find(({ contestant }) => name === undefined || contestant.name === name),
    peers: (runtime) => find(false, runtime),
  };
}

class Measured implements Result {
  readonly samples: Sample[] = [];
  failure: string | undefined;
  readonly #sorted = new Map<string, number[]>();

  constructor(readonly contestant: Contestant) {}

  /** A contestant that failed once is not run again, because it may take a minute to fail. */
  async runOnce(): Promise<void> {
    if (this.failure !== undefined) return;
    this.#sorted.clear();
    try {
      this.samples.push(await this.contestant.run());
    } catch (error) {
      this.failure = error instanceof Error ? error.message : String(error);
    }
  }

  median(key: string): number {
    return this.quantile(key, 0.5);
  }

  quantile(key: string, q: number): number {
    let values = this.#sorted.get(key);
    if (values === undefined) {
      values = sorted(this.samples, key);
      this.#sorted.set(key, values);
    }
    return values.length === 0 ? NaN : quantileSorted(values, q);
  }
}
