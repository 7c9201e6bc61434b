/** What `run` does beside running the program: crosses to the new process as JSON. */
export interface RunOptions {
  /** Milliseconds until a TimeoutError is thrown. */
  timeout?: number;
  /** Milliseconds from then until the process is killed. Default 5000. */
  killAfter?: number;
  /** Milliseconds between two stacks. */
  trace?: number;
  /** Code that blocks the event loop for so many milliseconds is reported. */
  watchLoop?: number;
}

/** The command line of `run`. */
export interface CommandLine extends RunOptions {
  help: boolean;
  /** Whether functions have safepoints too. */
  functions: boolean;
  /** Flags for the runtime. */
  flags: string[];
  /** The program and its arguments. */
  program: string[];
}

/** Wrong use of the command line. */
export class UsageError extends Error {}

export const help = `Usage: async-interrupt-safepoints [OPTION]... PROGRAM [ARGUMENT]...

Runs a program of JavaScript or TypeScript with a safepoint in every loop.
Ctrl-C throws an AbortError at the next loop turn; a second Ctrl-C kills.
Ctrl-\\ (SIGQUIT) prints the stack of what is executed.

  --timeout TIME      throw a TimeoutError after this time, and exit with status 124
  --kill-after TIME   with --timeout: kill if it has not ended after this time more; default 5s
  --trace TIME        print the stack of what is executed, again and again
  --watch-loop TIME   report what blocks the event loop for longer; at the end a table
  --functions         safepoints in functions too, so that recursion can be interrupted
  --runtime FLAG      a flag for the runtime, such as --runtime=--inspect; may be repeated
  -h, --help          print this

TIME is a number and a unit: 50ms, 1.5s, 2m, 1h.
`;

const timeOptions = new Map<string, keyof RunOptions>([
  ["timeout", "timeout"],
  ["kill-after", "killAfter"],
  ["trace", "trace"],
  ["watch-loop", "watchLoop"],
]);
const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
/** The shortest and the longest time of a timer of the core, in milliseconds. */
const [shortest, longest] = [0.05, 2 ** 31 - 1];

/**
 * Reads a command line. What follows the program belongs to the program.
 *
 * @throws {UsageError}
 */
export function parse(args: readonly string[]): CommandLine {
  const result: CommandLine = { help: false, functions: false, flags: [], program: [] };
  let at = 0;
  for (; /^-./.test(args[at] ?? ""); at++) {
    const arg = args[at]!;
    if (arg === "--") {
      at++;
      break;
    }
    const [, name = "", given] = /^--([^=]*)(?:=(.*))?$/s.exec(arg === "-h" ? "--help" : arg) ?? [];
    if (name === "help" || name === "functions") {
      if (given !== undefined) throw new UsageError(`--${name} takes no value`);
      result[name] = true;
      continue;
    }
    const key = timeOptions.get(name);
    if (key === undefined && name !== "runtime") {
      throw new UsageError(`unknown option ${arg}; put options of the program behind its name`);
    }
    const value = given ?? args[++at];
    if (value === undefined) throw new UsageError(`--${name} needs a value`);
    if (key === undefined) result.flags.push(value);
    else result[key] = timeOf(name, value);
  }
  result.program = args.slice(at);
  if (result.program.length === 0 && !result.help) throw new UsageError("which program?");
  if (result.killAfter !== undefined && result.timeout === undefined) {
    throw new UsageError("--kill-after needs --timeout");
  }
  return result;
}

function timeOf(name: string, text: string): number {
  const [, number, unit] = /^(\d*\.?\d+)(ms|s|m|h)$/.exec(text) ?? [];
  const time = Number(number) * units[unit!]!;
  // NaN for what is no time.
  if (time >= shortest && time <= longest) return time;
  throw new UsageError(
    `--${name} needs a time with its unit, from 1ms to 596h, such as 50ms, 1.5s or 2m, not "${text}"`,
  );
}
