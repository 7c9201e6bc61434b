import { spawn } from "node:child_process";
import process from "node:process";

/**
 * Makes this process run another program: by execve(2), or where that is missing (Windows, older
 * versions of Bun) in a child.
 */
export function replaceProcess(file: string, args: string[]): void {
  try {
    const { execve } = process as { execve?: (file: string, args: string[]) => void };
    // The warning of Node, that it is experimental, would come later.
    if (process.versions.deno) denoExecve(file, [file, ...args]);
    else execve?.call(process, file, [file, ...args]);
  } catch {
    // Windows, or a libc with another name.
  }
  runChild(file, args);
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

/** The terminal signals this process and the child alike, so these wait for the child. */
const ofTerminal = ["SIGINT", "SIGQUIT", "SIGBREAK"];
const passedOn = ["SIGTERM", "SIGHUP"] as const;

function runChild(file: string, args: string[]): void {
  const child = spawn(file, args, { stdio: "inherit" });
  for (const signal of ofTerminal) listen(signal, () => {});
  for (const signal of passedOn) listen(signal, () => child.kill(signal));
  child.once("error", (error) => {
    console.error(`async-interrupt-safepoints: ${error.message}`);
    process.exitCode = 1;
  });
  child.once("close", (code, signal) => {
    process.exitCode = code ?? 1;
    if (signal === null) return;
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function listen(signal: string, listener: () => void): void {
  try {
    process.on(signal, listener);
  } catch {
    // Deno throws for signals that the system does not have.
  }
}
