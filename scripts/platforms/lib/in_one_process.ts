import type { Row } from "./row.ts";

/**
 * The arguments with which a test file runs its tests in one process: see harness.ts.
 *
 * @param without a pattern of the names that are left out; by default none.
 */
export function inOneProcess(without = "^$"): string[] {
  return ["--in-one-process", without];
}

/** A test that was left out. */
export interface Skipped {
  name: string;
  why: string;
}

/**
 * Adds to a row what a test file printed whose tests ran in one process.
 *
 * @returns the tests that were left out.
 */
export function addPrinted(row: Row, file: string, output: string): Skipped[] {
  const lines = output.split(/\r?\n/);
  const namesOf = (word: string) =>
    lines.filter((line) => line.startsWith(word)).map((line) => line.slice(word.length));
  const failed = namesOf("failed: ").length;
  const skipped = namesOf("skipped: ");
  row.passed += namesOf("passed: ").length;
  row.failed += failed;
  row.skipped += skipped.length;
  // A process that ended before its last test is one failure more.
  const isWhole = lines.includes("all");
  if (!isWhole) row.failed++;
  if (!isWhole || failed > 0) row.output = `${row.output ?? ""}${file}:\n${output}\n`;
  return skipped.map((text) => {
    const [name, why = ""] = text.split(" # SKIP ");
    return { name: name!, why };
  });
}
