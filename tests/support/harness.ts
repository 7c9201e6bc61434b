/**
 * Runs every test in a process of its own, so that signal dispositions are clean, descriptors can
 * be counted, and a hang or a crash fails one test that has a name.
 */

import { runtime } from "../../ffi/runtime.ts";
import { emulator } from "./emulator.ts";
import { nodeProcess } from "./node_process.ts";

/** The current runtime. */
export { runtime };

/** Why a test is skipped; false if it is not. */
export type Reason = string | false;

/** How a test runs. */
export interface TestOptions {
  /**
   * Seconds after which the test counts as hung; longer on a loaded machine, see
   * {@linkcode watchdog}. Default 20.
   */
  timeout?: number;
  /**
   * Why the runtime does not have what the test is about. A function is not called in the process
   * that runs the test body.
   */
  skip?: Reason | (() => Reason);
  /** It cannot pass after others in the same process: see {@linkcode together}. */
  alone?: boolean;
}

/** `FILE --the-test NAME` runs this test and no other. */
export const marker = "--the-test";

/**
 * Where a process takes seconds to start (Wine, qemu), tests of a file run in one, one by one:
 * `FILE --in-one-process REGEXP` runs all but those whose names match and those that need a process
 * of their own.
 */
export const together = "--in-one-process";

/** The part of `bun:test` that is used here. */
interface BunTest {
  test: BunTester & { skip: BunTester };
}
type BunTester = (name: string, run: () => Promise<void>) => void;

/** Returns the `test()` of one file: `const test = testsOf(import.meta.url)`. */
export function testsOf(
  file: string,
): (
  name: string,
  body: () => unknown,
  options?: TestOptions,
) => void {
  const names = new Set<string>();
  const [flag, wanted] = runtime === "deno" ? Deno.args : nodeProcess().argv.slice(2);
  return (name, body, { timeout = 20, skip = false, alone = false } = {}) => {
    if (names.has(name)) throw new Error(`Two tests are called "${name}"`);
    names.add(name);
    if (flag === together) {
      const isWanted = !new RegExp(wanted!).test(name);
      const own = () => (typeof skip === "function" ? skip() : skip) || alone && ownProcess;
      queue.push({ name, body, timeout, skip: isWanted ? own : "not here" });
      if (queue.length === 1) runQueue();
    } else if (flag !== marker) {
      const why = typeof skip === "function" ? skip() : skip;
      // Node's reporters print the reason, those of other runtimes do not.
      const told = why && runtime !== "node" ? `${name} # SKIP ${why}` : name;
      register(told, why, () => inProcess(file, name, timeout));
    } else if (wanted === name) {
      runBody(body);
    }
  };
}

function register(name: string, skip: Reason, run: () => Promise<void>) {
  if (runtime !== "bun") {
    // Only here, because a process that runs one test need not load it.
    return nodeProcess().getBuiltinModule("node:test").test(name, { skip }, run);
  }
  // `node:test` in older versions of Bun does not await promises, so all tests would pass.
  const { test } = nodeProcess().getBuiltinModule("bun:test") as unknown as BunTest;
  (skip ? test.skip : test)(name, run);
}

/** Why {@linkcode together} leaves out a test that says `alone`. */
export const ownProcess = "needs a process of its own";

const queue: {
  name: string;
  body: () => unknown;
  timeout: number;
  skip: Reason | (() => Reason);
}[] = [];

/**
 * Prints a line for each test, and ends the process with the last. A test that hangs ends it
 * without one.
 */
async function runQueue() {
  const { watchdog } = await import("./watchdog.ts");
  await turn();
  let failures = 0;
  for (const { name, body, timeout, skip } of queue) {
    const why = typeof skip === "function" ? skip() : skip;
    if (why) {
      console.log(`skipped: ${name} # SKIP ${why}`);
      continue;
    }
    console.log(`begins: ${name}`);
    const callOff = watchdog(timeout, () => exit(1));
    try {
      await body();
      console.log(`passed: ${name}`);
    } catch (error) {
      failures++;
      console.log(`failed: ${name}\n${(error as Error)?.stack ?? error}`);
    }
    callOff();
  }
  console.log("all");
  exit(failures === 0 ? 0 : 1);
}

/** The exit status of a process that ends while its test waits for something. */
export const ENDED_EARLY = 77;

async function runBody(body: () => unknown) {
  // No timer keeps the process alive: users' programs have none either.
  if (runtime === "deno") Deno.exitCode = ENDED_EARLY;
  else nodeProcess().exitCode = ENDED_EARLY;
  try {
    await body();
  } catch (error) {
    console.error(error);
    exit(1);
  }
  exit(0);
}

function exit(code: number): never {
  return runtime === "deno" ? Deno.exit(code) : nodeProcess().exit(code);
}

async function inProcess(file: string, name: string, timeout: number) {
  // Only here, because a process that runs one test need not load what starts others.
  const { start } = await import("./processes.ts");
  const program = start(new URL(file), [marker, name], { timeout });
  const { code, signal, stdout, stderr, hung } = await program.ended;
  if (code === 0) return;
  const how = hung
    ? `hung for ${timeout} s`
    : signal
    ? `died of ${signal}`
    : code === ENDED_EARLY
    ? "ended early: nothing that it waits for kept its process alive"
    : `exited with ${code}`;
  throw new Error(`"${name}" ${how}\n${stdout}${stderr}`);
}

/** Why /proc does not tell what signals do and which are masked. */
export const noProc: Reason = underQemu("has its own signals in /proc");

/** Whether the libc of the runtime is musl. */
export function isMusl(): boolean {
  const { readFileSync } = nodeProcess().getBuiltinModule("node:fs");
  return readFileSync("/proc/self/maps", "utf8").includes("/ld-musl-");
}

/** Skips a test where qemu-user emulates the processor, which `cannot` do what the test needs. */
export function underQemu(cannot: string): Reason {
  return emulator === "qemu-user" && `qemu-user ${cannot}`;
}

/** Why the library has no wake socket. */
export const noWakeSocket: Reason = runtime === "node" &&
  "libuv wakes the event loop with its own descriptor";

/** Why the descriptors of Workers cannot be counted. */
export const leavesEventLoops: Reason = runtime === "bun" &&
  nodeProcess().versions.bun!.startsWith("1.3.") &&
  "Bun 1.3 leaves three descriptors of every Worker open";

/**
 * Once a signal has had a listener, Deno's handler stays for ever. Installs it now, so that an
 * Interrupt finds and leaves the same disposition.
 */
export function settle(signal: NodeJS.Signals): void {
  if (runtime !== "deno") return;
  const listener = () => {};
  nodeProcess().on(signal, listener);
  nodeProcess().off(signal, listener);
}

/** A promise, and what resolves it. Node 20 has no `Promise.withResolvers()`. */
export function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => resolve = settle);
  return { promise, resolve };
}

/** Lets the event loop turn once. It handles what is ready, and waits for nothing. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Turns the event loop until `condition` holds. If it never does, the watchdog ends the test. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}
