import { existsSync } from "node:fs";
import * as module from "node:module";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { entry } from "../entry.ts";
import { runInstead } from "./exec.ts";
import { type CommandLine, help, parse, UsageError } from "./options.ts";
import { VARIABLE } from "./variable.ts";

const { bun, deno } = process.versions;
const inside = entry("inside");

/**
 * Runs the program of this command line.
 *
 * This process becomes the runtime as a user would call it, with one flag more. So arguments,
 * `import.meta.main`, `require.main`, standard streams and the exit status are those of the
 * program, by construction; the terminal and its job control see one process, and every signal
 * comes once. Importing the program here would get the first of these wrong; as a child, it gets
 * what is sent to us only as far as we can tell that the terminal has not sent it to both.
 */
export function launch(): void {
  try {
    const line = parse(deno ? Deno.args : process.argv.slice(2));
    if (line.help) return console.log(help.trimEnd());
    check(line.program[0]!);
    const { timeout, killAfter, trace, watchLoop } = line;
    process.env[VARIABLE] = JSON.stringify({ timeout, killAfter, trace, watchLoop });
    if (line.functions) process.env.INTERRUPT_SAFEPOINTS_FUNCTIONS = "1";
    runInstead(process.execPath, argumentsFor(line));
  } catch (error) {
    console.error(`async-interrupt-safepoints: ${(error as Error).message}`);
    if (error instanceof UsageError) console.error("Try --help.");
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}

function argumentsFor({ flags, program }: CommandLine): string[] {
  const own = deno ? ["run", "-A", `--preload=${inside}`] : [
    ...process.execArgv,
    bun ? "--preload" : "--import",
    bun ? fileURLToPath(inside) : inside,
  ];
  return [...own, ...flags, ...program];
}

/** Checks what the runtime would not report, or not so that one could understand it. */
function check(program: string): void {
  if (deno && missingPermissions().length > 0) {
    throw new Error(`Deno needs all permissions, but lacks ${missingPermissions()}: deno run -A`);
  }
  if (!bun && !("registerHooks" in module)) {
    const { node } = process.versions;
    throw new Error(
      deno
        ? `Deno ${deno} is too old: use Deno 2.9 or later`
        : `Node ${node} is too old: use Node 22.15 or later`,
    );
  }
  if (deno && !/^\w{2,}:/.test(program) && !existsSync(program)) {
    throw new Error(`Cannot find ${program}`);
  }
}

/** The program gets all permissions, so nobody should get here with less. */
function missingPermissions(): string[] {
  const names = ["read", "write", "net", "env", "run", "sys", "ffi"] as const;
  return names.filter((name) => Deno.permissions.querySync({ name }).state !== "granted");
}
