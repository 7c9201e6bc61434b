/** Runs programs in processes of their own. */

import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { runtime } from "../../ffi/runtime.ts";
import { watchdog } from "./watchdog.ts";

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
