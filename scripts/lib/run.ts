import { watchdog } from "../../tests/support/watchdog.ts";

/** The outcome of a command. */
export interface Outcome {
  ok: boolean;
  /** stdout and stderr in the order in which they arrived. */
  output: string;
}

/** The commands that run now. */
const running = new Set<Deno.ChildProcess>();
const folders = new Set<string>();
const undoings = new Set<() => void>();
const signals = Deno.build.os === "windows" ? ["SIGINT"] as const : ["SIGINT", "SIGTERM"] as const;
/** Set in the environment of commands, which may be scripts that use this module too. */
const inner = "ASYNC_INTERRUPT_INNER";
let interrupted = false;

/** The groups of the commands do not get the terminal's Ctrl-C. */
async function interrupt(code: number) {
  if (interrupted) return;
  interrupted = true;
  await end([...running]);
  for (const folder of folders) await Deno.remove(folder, { recursive: true }).catch(() => {});
  for (const undo of undoings) undo();
  try {
    Deno.exit(code);
  } catch {
    // `deno test` does not let a test exit.
    Deno.kill(Deno.pid, "SIGKILL");
  }
}
const listeners = [() => void interrupt(130), () => void interrupt(143)];

let listening = false;

/** Listens while there is something to end or to remove: a test must not leave a listener. */
function listen() {
  const needed = running.size + folders.size + undoings.size > 0;
  if (needed === listening) return;
  listening = needed;
  signals.forEach((signal, index) => {
    if (needed) Deno.addSignalListener(signal, listeners[index]!);
    else Deno.removeSignalListener(signal, listeners[index]!);
  });
}

/** Makes a folder that is removed when the program is interrupted. */
export async function temporaryFolder(prefix: string): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix });
  folders.add(folder);
  listen();
  return folder;
}

/** Removes a folder that {@linkcode temporaryFolder} has made. */
export function removeFolder(folder: string): void {
  Deno.removeSync(folder, { recursive: true });
  folders.delete(folder);
  listen();
}

/**
 * Calls `undo` when the program is interrupted.
 *
 * @returns a function after which it is not called any more.
 */
export function onInterrupt(undo: () => void): () => void {
  undoings.add(undo);
  listen();
  return () => {
    undoings.delete(undo);
    listen();
  };
}

/**
 * Ends commands and their children. SIGTERM comes first, because a script that runs commands has
 * them in other groups and must end them itself; it has less time for that than it is given.
 */
async function end(children: Deno.ChildProcess[]) {
  const milliseconds = Deno.env.has(inner) ? 1000 : 4000;
  for (const child of children) killGroup(child, "SIGTERM");
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, milliseconds);
  await Promise.race([Promise.all(children.map(({ status }) => status)), late.promise]);
  clearTimeout(timer);
  for (const child of children) killGroup(child);
}

/** How {@linkcode run} runs a command. */
export interface RunOptions {
  cwd?: string | URL;
  env?: Record<string, string>;
  /**
   * Seconds after which the command and its children are killed; longer on a loaded machine.
   * Default 300.
   */
  timeout?: number;
}

/**
 * Runs a command to its end and never throws: a hang or a missing command is a failure with a
 * message.
 */
export async function run(
  [command, ...args]: string[],
  { timeout = 300, ...options }: RunOptions = {},
): Promise<Outcome> {
  // What is interrupted starts nothing any more, and says nothing more.
  if (interrupted) await new Promise(() => {});
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(command!, {
      ...options,
      args,
      env: {
        NO_COLOR: "1",
        // Half a second after its start Deno would open a socket to check for updates, which tests
        // would take for a leak.
        DENO_NO_UPDATE_CHECK: "1",
        // The first `zig build` on a machine compiles Zig's build runner: in debug mode this takes
        // seconds, otherwise minutes.
        ZIG_DEBUG_CMD: "1",
        [inner]: "1",
        ...options.env,
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      // In its own process group, so that the children of a hung test can be killed with it.
      detached: Deno.build.os !== "windows",
    }).spawn();
  } catch (error) {
    const output = error instanceof Deno.errors.NotFound
      ? `${command} is not on PATH: install it\n`
      : `${command}: ${error}\n`;
    return { ok: false, output };
  }

  let output = "";
  const read = async (stream: ReadableStream<Uint8Array>) => {
    const text = stream.pipeThrough(new TextDecoderStream());
    for await (const chunk of text) output += chunk;
  };
  const ended = Promise.all([read(child.stdout), read(child.stderr)]);

  running.add(child);
  listen();
  let hung = false;
  const callOff = watchdog(timeout, () => {
    hung = true;
    void end([child]);
  });

  const { success, code, signal } = await child.status;
  callOff();
  if (interrupted) await new Promise(() => {});
  running.delete(child);
  listen();
  killGroup(child);
  // A process that left the group may hold the pipes open for ever.
  const grace = Promise.withResolvers<void>();
  const timer = setTimeout(grace.resolve, 1000);
  await Promise.race([ended, grace.promise]);
  clearTimeout(timer);
  if (hung) output += `\nkilled: it hung for ${timeout} s\n`;
  else if (!success) output += `\n${command} ended with ${signal ?? code}\n`;
  return { ok: success && !hung, output };
}

/** Whether a command is on PATH. */
export async function isInstalled(command: string): Promise<boolean> {
  return !(await run([command, "--version"])).output.includes("is not on PATH");
}

function killGroup(child: Deno.ChildProcess, signal: Deno.Signal = "SIGKILL") {
  try {
    if (Deno.build.os === "windows") child.kill(signal);
    else Deno.kill(-child.pid, signal);
  } catch {
    // Already gone.
  }
}
