import { zigBuild } from "../scripts/lib/build.ts";
import type { Outcome } from "../scripts/lib/run.ts";

/**
 * Runs the stress of the native library, `zig build stress`. The short form, for the gate, runs
 * ReleaseSafe and ThreadSanitizer builds; the long form runs all builds for minutes. Each build
 * prints its seed. `note` has the figures.
 */
export async function stress(
  short: boolean,
): Promise<Outcome & { note: string }> {
  /** How many seconds each build runs. */
  const builds = short ? { safe: 2, thread: 4 } : { debug: 30, safe: 30, small: 30, thread: 30 };
  // To compile the sanitizer without optimization takes 55 s of processor time instead of 80. Then
  // it is slower, so its build runs longer.
  const flags = short ? ["--debug-rt"] : [];
  let ok = true;
  let output = "";
  for (const [name, seconds] of Object.entries(builds)) {
    // The sanitizer itself may fail (tsan_rtl.cpp, CHECK failed). That is no result, so try again
    // with another seed.
    for (let attempts = 1;; attempts++) {
      const args = ["--", "--seconds", `${seconds}`];
      const outcome = await zigBuild(...flags, "stress", `-Dstress=${name}`, ...args);
      output += outcome.output;
      const gaveUp = outcome.output.includes("ThreadSanitizer: CHECK failed");
      if (gaveUp && attempts < 3) continue;
      ok &&= outcome.ok;
      break;
    }
  }
  return { ok, output, note: summary(output, Object.keys(builds)) };
}

/** The sums over all builds: signals sent, and signals accounted for. */
function summary(output: string, builds: string[]): string {
  const sums = [...output.matchAll(/: (\d+) sent = (\d+) accounted for/g)];
  const [sent, accounted] = [1, 2].map((group) =>
    sums.reduce((sum, match) => sum + Number(match[group]), 0)
  );
  return `${sums.length} of ${builds.length} builds (${builds.join(", ")}): ${sent} signals sent ${
    sent === accounted ? "=" : "!="
  } ${accounted} signals accounted for`;
}
