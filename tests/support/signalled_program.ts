import { assertEquals } from "@std/assert";
import { type Ended, type Program, start } from "./processes.ts";
import { testkit } from "./testkit.ts";

/** Where and when a program of tests/programs does its work. */
export const places = ["main thread", "Worker"].flatMap((where) =>
  [0, 2000].map((ms) => ({
    where,
    ms,
    name: ms === 0 ? `in a ${where}` : `in a ${where} whose event loop was idle for ${ms} ms`,
  }))
);

/** Sends signals to another process, which may have ended. */
export function sendTo(pid: number, ...signals: number[]): void {
  for (const signal of signals) testkit.kill(pid, signal, 1);
}

/**
 * Runs `waits.ts`, and sends it these signals, each when it has told of the one before.
 *
 * @returns what it told of each.
 */
export async function signalled(
  { way, where, ms }: { way: string; where: string; ms: number },
  signals: number[],
): Promise<string[]> {
  const program: Program = start(new URL("../programs/waits.ts", import.meta.url), [
    way,
    where,
    String(ms),
  ]);
  assertEquals(await program.line(), "waiting");
  const told: string[] = [];
  for (const signal of signals) {
    sendTo(program.pid, signal);
    told.push(await program.line());
  }
  assertWell(await program.ended);
  return told;
}

/** Runs `waits.ts`, which ends by itself. */
export async function endsByItself(way: string, where: string, ms: number): Promise<void> {
  const program = new URL("../programs/waits.ts", import.meta.url);
  assertWell(await start(program, [way, where, String(ms)]).ended, way);
}

function assertWell({ code, signal, stderr, hung }: Ended, what?: string): void {
  const well = { code: 0, signal: null, stderr: "", hung: false };
  assertEquals({ code, signal, stderr, hung }, well, what);
}
