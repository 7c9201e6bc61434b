import { watchdog } from "../../tests/support/watchdog.ts";

/** The outcome of a command. */
export interface Outcome {
  ok: boolean;
  /** stdout and stderr in the order in which they arrived. */
  output: string;
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

  // The process group does not get the terminal's Ctrl-C.
  const interrupted = () => {
    killGroup(child);
    Deno.exit(130);
  };
  Deno.addSignalListener("SIGINT", interrupted);
  let hung = false;
  const callOff = watchdog(timeout, () => {
    hung = true;
    killGroup(child);
  });

  const { success, code, signal } = await child.status;
  callOff();
  Deno.removeSignalListener("SIGINT", interrupted);
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

function killGroup(child: Deno.ChildProcess) {
  try {
    if (Deno.build.os === "windows") child.kill("SIGKILL");
    else Deno.kill(-child.pid, "SIGKILL");
  } catch {
    // Already gone.
  }
}
