import { type Outcome, run } from "../scripts/lib/run.ts";
import { zig } from "../scripts/lib/toolchain.ts";

const root = new URL("..", import.meta.url);

/**
 * The stress of the native library, by `zig build stress`: short for the gate, in ReleaseSafe and
 * under ThreadSanitizer; else all of its builds, for minutes. Each prints its seed; `note` is their
 * figures.
 */
export async function stress(
  short: boolean,
): Promise<Outcome & { note: string }> {
  const builds = short ? ["safe", "thread"] : ["debug", "safe", "small", "thread"];
  const seconds = short ? 2 : 30;
  let ok = true;
  let output = "";
  for (const name of builds) {
    // The sanitizer itself may give up (tsan_rtl.cpp, CHECK failed): that says nothing, so it gets
    // another seed.
    for (let attempts = 1;; attempts++) {
      const outcome = await run([
        await zig(),
        "build",
        "stress",
        `-Dstress=${name}`,
        "--",
        "--seconds",
        `${seconds}`,
      ], { cwd: root, timeout: 300 + seconds });
      output += outcome.output;
      const gaveUp = outcome.output.includes("ThreadSanitizer: CHECK failed");
      if (gaveUp && attempts < 3) continue;
      ok &&= outcome.ok;
      break;
    }
  }
  return { ok, output, note: summary(output, builds) };
}

/** Over all builds: what was sent, and whether that is what was accounted for. */
function summary(output: string, builds: string[]): string {
  const sums = [...output.matchAll(/: (\d+) sent = (\d+) accounted for/g)];
  const [sent, accounted] = [1, 2].map((group) =>
    sums.reduce((sum, match) => sum + Number(match[group]), 0)
  );
  return `${sums.length} of ${builds.length} builds (${builds.join(", ")}): ${sent} signals sent ${
    sent === accounted ? "=" : "!="
  } ${accounted} signals accounted for`;
}
