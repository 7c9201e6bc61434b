/** `native` is a C program, `perl` runs Perl's Async::Interrupt. */
export type Runtime = "deno" | "bun" | "node" | "native" | "perl";

/**
 * What one run of one contestant measured: by column, a number or, for distributions, all of them.
 */
export type Sample = Readonly<Record<string, number | readonly number[]>>;

/** One way to do what is asked, on one runtime. */
export interface Contestant {
  readonly name: string;
  readonly runtime: Runtime;
  /** This project's way, not a peer's. */
  readonly ours: boolean;
  /** One run in processes of its own. Throws an Error whose message says why there is no figure. */
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
  /** Why it has no sample: said in the table. */
  readonly failure?: string;
  /** Median over the rounds; a distribution is pooled first. NaN where there is none. */
  median(key: string): number;
  /** Quantile of the pooled distribution, or over the rounds. */
  quantile(key: string, q: number): number;
}

/** All results of one question. */
export interface Results {
  readonly columns: readonly Column[];
  readonly all: readonly Result[];
  /** Ours on that runtime: by name where there are several. */
  ours(runtime: Runtime, name?: string): Result | undefined;
  /** The peers, on one runtime or on all. */
  peers(runtime?: Runtime): readonly Result[];
}

/** A row of the closing table. */
export interface Target {
  readonly text: string;
  /** What was measured, as text: "3.1 ns (Deno), 4.0 ns (Bun)". */
  readonly measured: string;
  /** undefined: a part of it was not measured in this run. */
  readonly met: boolean | undefined;
}

/** What a question may use. */
export interface Bench {
  /** Of those asked for with --runtime. */
  readonly runtimes: readonly Runtime[];
}

/** What users ask, with everyone who has an answer. */
export interface Question {
  /** For --only. */
  readonly letter: string;
  readonly title: string;
  /** One sentence under the title: what is measured, from where to where. */
  readonly how: string;
  readonly columns: readonly Column[];
  contestants(bench: Bench): Promise<readonly Contestant[]>;
  targets(results: Results): readonly Target[];
}
