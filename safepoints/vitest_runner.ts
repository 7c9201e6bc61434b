/**
 * Lets the timeout of each test stop it in a busy loop, where the timer of Vitest cannot fire.
 * Vitest loads this before the files of tests.
 *
 * @module
 */
import { Interrupt, interruptible } from "@async/interrupt";
import "./runtime.ts";
import { CALL } from "./src/poll.ts";

/** The part of Vitest that is used here: this package does not depend on it. */
interface Vitest {
  TestRunner?: {
    new (config: object): object;
    getTestFn(test: Test): () => unknown;
  };
}
interface Test {
  timeout: number;
}

const { TestRunner }: Vitest = await import("vitest" as string);
if (TestRunner === undefined) {
  throw new Error("The plugin for safepoints needs Vitest 4.1 or later");
}
const { getTestFn } = TestRunner;

try {
  // For what the tests import from other packages: Vitest shows plugins only the project's files.
  await import("./register.ts");
} catch (error) {
  // The pools vmThreads and vmForks have no hooks.
  console.warn(`Dependencies of the tests get no safepoints: ${(error as Error).message}`);
}

/** Longer than the longest test, and no longer than a timer may take. */
const MAX_MS = 2 ** 31 - 1;

/** Runs tests as Vitest does, until their timeout. */
export default class StoppableRunner extends TestRunner {
  /** Vitest calls it instead of the test. */
  runTask(test: Test): unknown {
    const run = getTestFn(test);
    const { timeout } = test;
    if (!(timeout > 0)) return run();
    const abort = new AbortController();
    const interrupt = new Interrupt({
      every: Math.min(timeout, MAX_MS),
      wake: false,
      callback() {
        const error = new TestTimeoutError(timeout);
        // If the event loop turns, the timer of Vitest fires, and says more.
        if (error.isInLoop) abort.abort(error);
      },
    });
    const work = async () => await interruptible(run, { signal: abort.signal });
    return work().finally(() => interrupt.close());
  }
}

/** Its stack begins with the code that has called the safepoint. */
class TestTimeoutError extends Error {
  override name = "TestTimeoutError";

  constructor(timeout: number) {
    super(`Test timed out in ${timeout}ms, in the loop that the stack begins with.`);
    const safepoint = (globalThis as unknown as Record<string, () => void>)[CALL];
    (Error as { captureStackTrace?(error: Error, above: unknown): void })
      .captureStackTrace?.(this, safepoint);
  }

  /** Else nothing has called one, and the stack is empty. */
  get isInLoop(): boolean {
    return /^ +at /m.test(`${this.stack}`);
  }
}
