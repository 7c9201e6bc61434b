/**
 * The main job, seen: a computation that never yields is interrupted by signals from another
 * process and by a native thread. First with the runtime's own signal handler, then with
 * Interrupts.
 *
 * Run it with `deno task demo`; without a terminal it ends by itself, non-zero if anything was
 * lost.
 */
import { spawn } from "node:child_process";
import process from "node:process";
import { checkpoint, Interrupt, interruptible } from "../mod.ts";
import { memory, sender, testkit } from "../tests/support/testkit.ts";

const LIMIT = 10_000_000;
const PRIMES_BELOW_LIMIT = 664_579;
const SIGNALS = 200;
const REPORTS_PER_SECOND = 1000;
const SIGUSR2 = 12;

/** Real work, without a single await: trial division. */
function countPrimes(limit: number): number {
  let count = 1;
  for (let n = 3; n < limit; n += 2) {
    let prime = true;
    for (let d = 3; d * d <= n; d += 2) {
      if (n % d === 0) {
        prime = false;
        break;
      }
    }
    if (prime) count++;
    progress = n / limit;
    checkpoint();
  }
  return count;
}
let progress = 0;
let crunching = false;

/** The other process: it notes when it sent each signal, and tells at its end. */
function sendSignals(...specs: string[]): Promise<bigint[]> {
  const [file, ...args] = sender("stamps", ...specs);
  const child = spawn(file!, args, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (data) => text += data);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", () => resolve(text.trim().split("\n").map(BigInt)));
  });
}

interface Row {
  sent: number;
  "seen during the work": number;
  "p50 reaction": string;
  "p99 reaction": string;
  lost: number;
}

/**
 * A signal was seen when a callback began after it was sent: signals coalesce, but the last is
 * never lost.
 */
function row(
  sent: readonly bigint[],
  seen: readonly bigint[],
  workEnded: bigint,
): Row {
  const reactions: bigint[] = [];
  let during = 0;
  let index = 0;
  for (const time of sent) {
    while (index < seen.length && seen[index]! < time) index++;
    const reaction = seen[index];
    if (reaction === undefined) break;
    reactions.push(reaction - time);
    if (reaction <= workEnded) during++;
  }
  const lost = sent.length - reactions.length;
  reactions.sort((a, b) => Number(a - b));
  const quantile = (q: number) => {
    const reaction = reactions[
      Math.min(reactions.length - 1, Math.floor(reactions.length * q))
    ];
    return reaction === undefined ? "never" : `${(Number(reaction) / 1000).toFixed(1)} µs`;
  };
  return {
    sent: sent.length,
    "seen during the work": during,
    "p50 reaction": quantile(0.5),
    "p99 reaction": quantile(0.99),
    lost,
  };
}

const signalsOverTime = Array.from(
  { length: SIGNALS },
  () => ["pause:5000", String(SIGUSR2)],
).flat();
const result: Record<string, Row> = {};
let failed = false;

function check(what: string, ok: boolean): void {
  console.log(`   ${what}: ${ok ? "right" : "WRONG"}`);
  if (!ok) failed = true;
}

/**
 * Runs the work while the other process signals; gives when each signal was sent, and when the work
 * ended.
 */
async function crunch(): Promise<{ sent: bigint[]; ended: bigint }> {
  const sending = sendSignals(...signalsOverTime);
  crunching = true;
  const count = countPrimes(LIMIT);
  crunching = false;
  const ended = testkit.now_ns();
  if (live) process.stdout.write("\n");
  check(`${count} primes below ${LIMIT}`, count === PRIMES_BELOW_LIMIT);
  const sent = await sending;
  // The last signal may still be on its way through the event loop.
  await new Promise((resolve) => setTimeout(resolve, 50));
  return { sent, ended };
}

const live = process.stdout.isTTY === true;

console.log(
  '1. The runtime\'s own handler: process.on("SIGUSR2"). Nothing gets in while it crunches.',
);
{
  const seen: bigint[] = [];
  const listener = () => {
    seen.push(testkit.now_ns());
  };
  process.on("SIGUSR2", listener);
  const { sent, ended } = await crunch();
  process.off("SIGUSR2", listener);
  result["process.on, signals"] = row(sent, seen, ended);
}

console.log(
  "2. Interrupts: the same signals, and a native thread that reports every millisecond.",
);
{
  const seen: bigint[] = [];
  const reported: { index: number; time: bigint }[] = [];
  using _signal = new Interrupt({
    signal: "SIGUSR2",
    callback: () => seen.push(testkit.now_ns()),
  });
  using report = new Interrupt({
    callback(index) {
      reported.push({ index, time: testkit.now_ns() });
      if (live && crunching && index % 100 === 0) {
        process.stdout.write(
          `\r   ${(progress * 100).toFixed(0)} %, ${seen.length} signals, ${index} reports `,
        );
      }
    },
  });
  using _ctrlC = new Interrupt({
    signal: "SIGINT",
    callback: () => process.exit(130),
  });
  const { func, arg } = report.signalFunc();
  testkit.plan(0, BigInt(1e9 / REPORTS_PER_SECOND));
  testkit.plan_values(1, 1);
  const thread = testkit.thread_signal(func, arg);
  const { sent, ended } = await crunch();
  testkit.thread_stop(thread);
  const reports = testkit.thread_join(thread);
  checkpoint();
  result["Interrupt, signals"] = row(sent, seen, ended);
  const stamps = new BigUint64Array(
    memory(testkit.stamps_address(), 65536 * 8),
  );
  const times = reported.map(({ time }) => time);
  result["Interrupt, native thread"] = row(
    [...stamps.subarray(0, reports)],
    times,
    ended,
  );
  check(
    `the last report seen is the last sent, ${reports}`,
    reported.at(-1)?.index === reports,
  );
}

console.log(
  live
    ? "3. Endless work: press Ctrl-C."
    : "3. Endless work, stopped by SIGINT from the other process.",
);
{
  class Stopped extends Error {}
  let seen = 0n;
  using _ctrlC = new Interrupt({
    signal: "SIGINT",
    rethrow: true,
    callback() {
      seen = testkit.now_ns();
      throw new Stopped();
    },
  });
  // At a terminal it waits for the person, but not for ever.
  const sending = sendSignals(`pause:${live ? 10_000_000 : 500_000}`, "2");
  try {
    while (true) countPrimes(LIMIT);
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
  }
  const stopped = testkit.now_ns();
  console.log(
    `   stopped at ${(progress * 100).toFixed(0)} % of a round, ${
      Number(stopped - seen) / 1000
    } µs after the callback`,
  );
  if (live) process.exitCode = 0;
  else {
    const sent = await sending;
    result["Interrupt, Ctrl-C"] = row(sent, [seen], stopped);
  }
}

console.log("4. A time limit of one second, and a clock that ticks every millisecond meanwhile.");
{
  const ticks: bigint[] = [];
  using _clock = new Interrupt({ every: 1, callback: () => ticks.push(testkit.now_ns()) });
  const begin = testkit.now_ns();
  let stoppedBy = "nothing";
  try {
    interruptible(() => {
      while (true) countPrimes(LIMIT);
    }, { timeout: 1000 });
  } catch (error) {
    stoppedBy = (error as Error).name;
  }
  const took = (Number(testkit.now_ns() - begin) / 1e6).toFixed(1);
  const errors = ticks.slice(1)
    .map((time, i) => Math.abs(Number(time - ticks[i]!) / 1000 - 1000))
    .sort((a, b) => a - b);
  const error = (q: number) => errors[Math.floor(errors.length * q)]?.toFixed(1);
  check(`stopped by a ${stoppedBy} after ${took} ms`, stoppedBy === "TimeoutError");
  console.log(
    `   ${ticks.length} ticks; half of them come within ${error(0.5)} µs, 99 % within ${
      error(0.99)
    } µs`,
  );
}

console.table(result);
for (
  const [name, { lost, sent, "seen during the work": during }] of Object
    .entries(result)
) {
  // Whoever sends after the work's end cannot be seen during it, but it must be seen.
  if (
    name.startsWith("Interrupt") && (lost > 0 || during === 0 || sent === 0)
  ) failed = true;
}
console.log(
  failed ? "FAILED: something was lost or wrong" : "Nothing lost with Interrupts.",
);
process.exit(failed ? 1 : 0);
