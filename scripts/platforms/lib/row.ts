/** One row of the table. */
export interface Row {
  /** For example "linux-arm64, Node 22". */
  name: string;
  /** How it was shown. "compiled": built and inspected, nothing of it ran. */
  how: "run" | "emulated" | "compiled" | "impossible";
  passed: number;
  failed: number;
  skipped: number;
  /** How many tests did not pass in one process with others, and ran again alone. */
  again?: number;
  /** Why tests were skipped or why it is impossible, one line. */
  note?: string;
  /** What failed. */
  output?: string;
}

/** A row of which nothing has run yet. */
export function newRow(name: string, how: Row["how"]): Row {
  return { name, how, passed: 0, failed: 0, skipped: 0, output: "" };
}

/** Each reason with how often it was given. */
export function countsOf(reasons: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return Array.from(counts, ([reason, count]) => `${count} ${reason}`).join("; ");
}
