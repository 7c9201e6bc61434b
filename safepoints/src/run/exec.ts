import { spawn } from "node:child_process";
import { constants } from "node:os";
import process from "node:process";
import { isatty } from "node:tty";

/**
 * Runs another program: by execve(2) as this process, or in a child. Windows has no execve(2), and
 * package managers signal the process that they have started once more when the terminal has
 * signalled all: a second Ctrl-C for the program, if it were that process.
 */
export function runInstead(file: string, args: string[]): void {
  // Those that pass signals on set it.
  const isManaged = process.env.npm_lifecycle_event !== undefined;
  // On Windows, Node has it, and would warn of it and throw.
  if (!isManaged && process.platform !== "win32") becomeProgram(file, args);
  runChild(file, args);
}

/** Returns only if it cannot. */
function becomeProgram(file: string, args: string[]): void {
  try {
    const { execve } = process as {
      execve?: (file: string, args: string[], env: NodeJS.ProcessEnv) => void;
    };
    // The warning of Node, that it is experimental, would come later.
    if (process.versions.deno) denoExecve(file, [file, ...args]);
    // By default, Bun 1.3 gives it the environment that this process has got.
    else execve?.call(process, file, [file, ...args], process.env);
  } catch {
    // A libc with another name.
  }
}

function denoExecve(file: string, args: string[]): void {
  const { symbols } = Deno.dlopen(
    Deno.build.os === "darwin" ? "/usr/lib/libSystem.B.dylib" : "libc.so.6",
    { execv: { parameters: ["buffer", "buffer"], result: "i32" } },
  );
  const strings = [file, ...args].map((text) => new TextEncoder().encode(`${text}\0`));
  const addresses = strings.map((text) => Deno.UnsafePointer.value(Deno.UnsafePointer.of(text)));
  // The first is the path, and a null ends the others.
  symbols.execv(strings[0]!, new BigUint64Array([...addresses.slice(1), 0n]));
}

const ofTerminal = ["SIGINT", "SIGQUIT"] as const;
const ofOthers = ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"] as const;
/** Every process of a console gets these. kill() ends a process there. */
const ofConsole = ["SIGINT", "SIGBREAK"] as const;

function runChild(file: string, args: string[]): void {
  const listen = (signals: readonly NodeJS.Signals[], listener: (signal: NodeJS.Signals) => void) =>
    signals.forEach((signal) => process.on(signal, () => listener(signal)));
  const ignore = () => {};
  // Not child.kill(): Deno would take the signal for the one that ends the child.
  const passOn = (signal: NodeJS.Signals) => {
    try {
      process.kill(child.pid!, signal);
    } catch {
      // It has just ended.
    }
  };
  // Before the child is there: it must not go on alone when this process dies of a signal.
  if (process.platform === "win32") {
    listen(ofConsole, ignore);
  } else {
    // The terminal signals the child too. Without a terminal, most senders signal one process.
    listen(ofTerminal, [0, 1, 2].some(isatty) ? ignore : passOn);
    listen(ofOthers, passOn);
  }
  const child = spawn(file, args, { stdio: "inherit" });
  child.once("error", (error) => {
    console.error(`async-interrupt-safepoints: ${error.message}`);
    process.exit(1);
  });
  child.once("exit", (code, signal) => {
    if (signal === null) process.exit(code!);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    // On Deno another thread performs the default action.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
    process.exit(128 + constants.signals[signal]);
  });
}
