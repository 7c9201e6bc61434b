import { marker, ownProcess, together } from "../../../tests/support/harness.ts";
import type { Outcome } from "../../lib/run.ts";
import type { Row } from "./row.ts";

/** A test that was left out. */
export interface Skipped {
  name: string;
  why: string;
}

/**
 * Runs the tests of a file in one process, because to start one takes seconds, and adds them to a
 * row. A test that does not pass in it runs again in a process of its own, as it does elsewhere: an
 * earlier test may have left something, or ended the process. The row counts these.
 *
 * @param start runs the file with these arguments.
 * @param without a pattern of the names that are left out; by default none.
 */
export async function runTogether(
  start: (args: string[]) => Promise<Outcome>,
  row: Row,
  without = "^$",
): Promise<Skipped[]> {
  const left: Skipped[] = [];
  const seen = new Set<string>();
  const alone: string[] = [];
  const again: string[] = [];
  for (;;) {
    const pattern = [without, ...Array.from(seen, exactly)].join("|");
    const { output } = await start([together, pattern]);
    let current: string | undefined;
    for (const line of output.split(/\r?\n/)) {
      const [, word, name = "", why = ""] = testLine.exec(line) ?? [];
      if (word === undefined || seen.has(name)) continue;
      current = word === "begins" ? name : undefined;
      if (word === "begins") continue;
      seen.add(name);
      if (word === "passed") row.passed++;
      else if (word === "failed") again.push(name);
      else if (why === ownProcess) alone.push(name);
      else left.push({ name, why });
    }
    if (/^all\r?$/m.test(output)) break;
    if (current === undefined) {
      row.failed++;
      row.output += `The process ended between two tests:\n${output}\n`;
      break;
    }
    seen.add(current);
    again.push(current);
  }
  row.again = (row.again ?? 0) + again.length;
  for (const name of [...alone, ...again]) {
    const { ok, output } = await start([marker, name]);
    row[ok ? "passed" : "failed"]++;
    if (!ok) row.output += `"${name}":\n${output}\n`;
  }
  row.skipped += left.length;
  return left;
}

const testLine = /^(begins|passed|failed|skipped): (.*?)(?: # SKIP (.*))?$/;

function exactly(name: string): string {
  return `^${name.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")}$`;
}
