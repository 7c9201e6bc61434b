/**
 * Runs every test in a process of its own, so that signal dispositions are clean, descriptors can
 * be counted, and a hang or a crash fails one test that has a name.
 */

import { assertLessOrEqual } from "@std/assert";
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { emulator, watchdog } from "./watchdog.ts";

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
}

/** How a process ended and what it printed. */
export interface Ended {
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
  hung: boolean;
}

/** A process that runs a module. */
export interface Program {
  child: ChildProcess;
  pid: number;
  /** Resolves with the next line of its output, or with "" at its end. */
  line(): Promise<string>;
  ended: Promise<Ended>;
}

/** The current runtime. */
export const runtime: "deno" | "bun" | "node" = process.versions.deno
  ? "deno"
  : process.versions.bun
  ? "bun"
  : "node";

const marker = "--the-test";

/**
 * Where a process takes seconds to start (Wine), the tests of a file run in one, one after another:
 * `FILE --in-one-process REGEXP` runs all but those whose names match.
 */
const together = "--in-one-process";

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
  const [flag, wanted] = process.argv.slice(2);
  return (name, body, { timeout = 20, skip = false } = {}) => {
    if (names.has(name)) throw new Error(`Two tests are called "${name}"`);
    names.add(name);
    if (flag === together) {
      queue.push({ name, body, skip: new RegExp(wanted!).test(name) ? "not here" : skip });
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
    return process.getBuiltinModule("node:test").test(name, { skip }, run);
  }
  // `node:test` in older versions of Bun does not await promises, so all tests would pass.
  const { test } = process.getBuiltinModule("bun:test") as unknown as BunTest;
  (skip ? test.skip : test)(name, run);
}

const queue: { name: string; body: () => unknown; skip: Reason | (() => Reason) }[] = [];

/** Prints a line for each test, and ends the process with the last. */
async function runQueue() {
  const keepAlive = setInterval(() => {}, 1e9);
  await turn();
  let failures = 0;
  for (const { name, body, skip } of queue) {
    const skipped = typeof skip === "function" ? skip() : skip;
    if (skipped) {
      console.log(`skipped: ${name}`);
      continue;
    }
    console.log(`begins: ${name}`);
    try {
      await body();
      console.log(`passed: ${name}`);
    } catch (error) {
      failures++;
      console.log(`failed: ${name}\n${(error as Error)?.stack ?? error}`);
    }
  }
  clearInterval(keepAlive);
  console.log("all");
  process.exit(failures === 0 ? 0 : 1);
}

async function runBody(body: () => unknown) {
  // A test may wait for something that does not keep the process alive.
  const keepAlive = setInterval(() => {}, 1e9);
  try {
    await body();
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
  clearInterval(keepAlive);
  process.exit(0);
}

async function inProcess(file: string, name: string, timeout: number) {
  const program = start(new URL(file), [marker, name], { timeout });
  const { code, signal, stdout, stderr, hung } = await program.ended;
  if (code === 0) return;
  const how = hung ? `hung for ${timeout} s` : signal ? `died of ${signal}` : `exited with ${code}`;
  throw new Error(`"${name}" ${how}\n${stdout}${stderr}`);
}

/** How {@linkcode start} runs a module. */
export interface StartOptions {
  /** Seconds until SIGKILL; longer on a loaded machine, see {@linkcode watchdog}. Default 15. */
  timeout?: number;
  /** A command to put before the runtime's, such as a shell. */
  prefix?: string[];
  /** Flags for the runtime. */
  flags?: string[];
}

/** Runs a module in another process of the same runtime. */
export function start(
  file: URL,
  args: string[] = [],
  { timeout = 15, prefix = [], flags = [] }: StartOptions = {},
): Program {
  const command = [...prefix, ...runtimeCommand(), ...flags, fileURLToPath(file)];
  return startCommand([...command, ...args], timeout);
}

/** Runs any command. */
export function startCommand(
  [command, ...args]: string[],
  timeout = 15,
): Program {
  const env = { ...process.env };
  // Otherwise Node's test runner would treat the process as one of its own.
  delete env.NODE_TEST_CONTEXT;
  const child = spawn(command!, args, {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const text = { stdout: "", stderr: "" };
  const lines = lineReader();
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8");
    child[name].on("data", (chunk: string) => {
      text[name] += chunk;
      if (name === "stdout") lines.push(chunk);
    });
  }
  const ended = new Promise<Ended>((resolve, reject) => {
    let hung = false;
    const end = (code: number | null, signal: string | null) => {
      callOff();
      lines.end();
      resolve({ code, signal, ...text, hung });
    };
    const callOff = watchdog(timeout, () => {
      hung = true;
      child.kill("SIGKILL");
      // Do not wait for "close", because its own children may hold the pipes open.
      child.once("exit", end);
    });
    child.once("close", end);
    child.once("error", (error) => {
      callOff();
      reject(error);
    });
  });
  return { child, pid: child.pid!, line: lines.next, ended };
}

/**
 * The command with which users run a file: with these flags, and on Deno with no other permissions.
 */
export function plainCommand(flags: string[]): string[] {
  if (runtime !== "deno") return [process.execPath, ...flags];
  // The modules import nothing that needs a configuration file.
  const options = ["--no-prompt", "--no-config", "--no-check", ...flags];
  // Through a shell: when a Deno program spawns Deno's own path by Node's API, Deno takes the
  // command for Node's and allows everything.
  const deno = ["sh", "-c", `exec '${process.execPath}' "$@"`, "sh"];
  return [...deno, "run", ...options];
}

function runtimeCommand(): string[] {
  if (runtime !== "deno") return [process.execPath];
  // A process cannot query its own import map, so scripts/lib/modules.ts names it in this variable.
  const map = process.env.ASYNC_INTERRUPT_IMPORT_MAP;
  const flags = map ? [`--import-map=${map}`] : [];
  return [process.execPath, "run", "-A", ...flags];
}

function lineReader() {
  let rest = "";
  let over = false;
  const lines: string[] = [];
  const waiting: ((line: string) => void)[] = [];
  const deliver = () => {
    while (waiting.length > 0 && lines.length > 0) {
      waiting.shift()!(lines.shift()!);
    }
    if (over) { for (const resolve of waiting.splice(0)) resolve(""); }
  };
  return {
    push(chunk: string) {
      const parts = (rest + chunk).split("\n");
      rest = parts.pop()!;
      lines.push(...parts);
      deliver();
    },
    end() {
      over = true;
      deliver();
    },
    next: () =>
      new Promise<string>((resolve) => {
        waiting.push(resolve);
        deliver();
      }),
  };
}

/** Why /proc does not tell what signals do and which are masked. */
export const noProc: Reason = underQemu("has its own signals in /proc");

/** Whether the libc of the runtime is musl. */
export function isMusl(): boolean {
  return readFileSync("/proc/self/maps", "utf8").includes("/ld-musl-");
}

/** How many descriptors this process has open. */
export function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

/** Skips a test where qemu-user emulates the processor, which `cannot` do what the test needs. */
export function underQemu(cannot: string): Reason {
  return emulator === "qemu-user" && `qemu-user ${cannot}`;
}

/** Why the library has no wake socket. */
export const noWakeSocket: Reason = runtime === "node" &&
  "libuv wakes the event loop with its own descriptor";

/** Why the descriptors of Workers cannot be counted. */
export const leavesEventLoops: Reason = /^1\.3\./.test(process.versions.bun ?? "") &&
  "Bun 1.3 leaves three descriptors of every Worker open";

/** Calls `open`, and finds both ends of the socket that it makes to wake this thread. */
export function withWakeSocket<T>(
  open: () => T,
): { opened: T; readFd: number; writeFd: number } {
  const before = new Set(sockets());
  const opened = open();
  const [readFd, writeFd] = sockets().filter((fd) => !before.has(fd));
  return { opened, readFd: readFd!, writeFd: writeFd! };
}

function sockets(): number[] {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith("socket:");
    } catch {
      // The descriptor of the folder itself.
      return false;
    }
  }).map(Number);
}

/**
 * Half a second after its start Deno opens two sockets for signals. Makes it open them now, so that
 * they do not look like a leak.
 */
export function openRuntimes(): void {
  const listener = () => {};
  process.on("SIGWINCH", listener);
  process.off("SIGWINCH", listener);
}

/**
 * Once a signal has had a listener, Deno's handler stays for ever. Installs it now, so that an
 * Interrupt finds and leaves the same disposition.
 */
export function settle(signal: NodeJS.Signals): void {
  if (runtime !== "deno") return;
  const listener = () => {};
  process.on(signal, listener);
  process.off(signal, listener);
}

/** A promise, and what resolves it. Node 20 has no `Promise.withResolvers()`. */
export function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => resolve = settle);
  return { promise, resolve };
}

/**
 * Fails if more than `before` descriptors stay open. Retries, because the runtime's own threads may
 * hold a descriptor for a moment, whereas a leak stays.
 */
export function assertNoMoreDescriptors(before: number, what?: string): void {
  const neverNotified = new Int32Array(new SharedArrayBuffer(4));
  // Use the last count: counting again after success could catch another such moment.
  let open = openDescriptors();
  for (let tries = 0; tries < 2000 && open > before; tries++) {
    Atomics.wait(neverNotified, 0, 0, 1);
    open = openDescriptors();
  }
  assertLessOrEqual(open, before, what);
}

/** Lets the event loop turn once. It handles what is ready, and waits for nothing. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Turns the event loop until `condition` holds. If it never does, the watchdog ends the test. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}
