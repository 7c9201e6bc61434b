import type { Outcome } from "../../lib/run.ts";
import type { Row } from "./row.ts";

/** A test that was left out. */
export interface Skipped {
  name: string;
  why: string;
}

/**
 * Runs the tests of a file in one process, because to start one takes seconds, and adds them to a
 * row. A test that does not pass so runs again in a process of its own, as elsewhere: an earlier
 * one may have left something, or ended the process. See harness.ts.
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
  for (let isWhole = false; !isWhole;) {
    const pattern = [without, ...Array.from(seen, exactly)].join("|");
    const { output } = await start(["--in-one-process", pattern]);
    let current: string | undefined;
    for (const line of output.split(/\r?\n/)) {
      const [, word, name = "", why = ""] = testLine.exec(line) ?? [];
      if (word === undefined || seen.has(name)) continue;
      current = word === "begins" ? name : undefined;
      if (word === "begins") continue;
      seen.add(name);
      if (word === "passed") row.passed++;
      else if (word === "skipped" && why !== "needs a process of its own") left.push({ name, why });
      else alone.push(name);
    }
    isWhole = /^all\r?$/m.test(output);
    if (!isWhole && current === undefined) {
      row.failed++;
      row.output += `The process ended between two tests:\n${output}\n`;
      break;
    }
    if (!isWhole) {
      seen.add(current!);
      alone.push(current!);
    }
  }
  for (const name of alone) {
    const { ok, output } = await start(["--the-test", name]);
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
