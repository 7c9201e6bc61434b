/** `native` is a C program, `perl` runs Perl's Async::Interrupt. */
export type Runtime = "deno" | "bun" | "node" | "native" | "perl";

/**
 * The results of one run of one contestant, by column: a number or, for a distribution, all its
 * values.
 */
export type Sample = Readonly<Record<string, number | readonly number[]>>;

/** One way to do what the question measures, on one runtime. */
export interface Contestant {
  readonly name: string;
  readonly runtime: Runtime;
  /** Whether this is this project's way, not a peer's. */
  readonly ours: boolean;
  /**
   * Runs once, in processes of its own. Throws an Error whose message says why there is no figure.
   */
  run(): Promise<Sample>;
}

/** One figure of the table. */
export interface Column {
  readonly key: string;
  readonly title: string;
  readonly unit: "ns" | "µs" | "ms" | "bytes" | "MB" | "" | "ratio";
}

/** A contestant's runs, one for each round. */
export interface Result {
  readonly contestant: Contestant;
  readonly samples: readonly Sample[];
  /** Why there is no sample; the table shows it. */
  readonly failure?: string;
  /**
   * Median over the rounds; the values of a distribution are pooled first. NaN where there are
   * none.
   */
  median(key: string): number;
  /** Quantile of the pooled distribution, or over the rounds. */
  quantile(key: string, q: number): number;
}

/** All results of one question. */
export interface Results {
  readonly columns: readonly Column[];
  readonly all: readonly Result[];
  /** Our result on that runtime; `name` chooses one where there are several. */
  ours(runtime: Runtime, name?: string): Result | undefined;
  /** The peers, on one runtime or on all. */
  peers(runtime?: Runtime): readonly Result[];
}

/** A row of the closing table. */
export interface Target {
  readonly text: string;
  /** What was measured, as text: "3.1 ns (Deno), 4.0 ns (Bun)". */
  readonly measured: string;
  /** undefined if a part of it was not measured in this run. */
  readonly met: boolean | undefined;
}

/** What a question gets from the benchmark. */
export interface Bench {
  /** The runtimes chosen by --runtime. */
  readonly runtimes: readonly Runtime[];
}

/** A question that users ask, with all contestants that answer it. */
export interface Question {
  /** For --only. */
  readonly letter: string;
  readonly title: string;
  /** A sentence under the title that says what is measured, from which event to which. */
  readonly how: string;
  readonly columns: readonly Column[];
  contestants(bench: Bench): Promise<readonly Contestant[]>;
  targets(results: Results): readonly Target[];
}
