import { assertEquals } from "@std/assert";
import process from "node:process";
import { testsOf } from "./support/harness.ts";
import { start } from "./support/processes.ts";

const test = testsOf(import.meta.url);

const seconds = Number(process.env.ASYNC_INTERRUPT_STRESS_SECONDS ?? 3);
/** Includes time to compare the counts at the end. */
const timeout = 3 * seconds + 60;

test(
  "threads, processes, Workers, garbage and descriptors at once: nothing is lost, nothing is left",
  async () => {
    const program = new URL("./programs/stress.ts", import.meta.url);
    const ended = await start(program, [], { timeout }).ended;
    const { code, signal, stderr, hung } = ended;
    assertEquals(
      { code, signal, stderr, hung },
      { code: 0, signal: null, stderr: "", hung: false },
      ended.stdout + stderr,
    );
  },
  { timeout: timeout + 5 },
);
