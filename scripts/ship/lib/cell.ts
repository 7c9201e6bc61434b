/** One cell of the table of `deno task ship`. */
export interface Cell {
  /** How somebody gets the package: the row. */
  way: string;
  /** The runtime on this machine, or another platform: the column. */
  where: string;
  /** "inspected": it was looked at, and nothing of it ran. */
  how: "run" | "inspected" | "impossible";
  /** Why it is impossible, or what was inspected: one line. */
  why?: string;
  /** What failed. */
  failure?: string;
}
