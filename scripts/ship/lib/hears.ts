import { watchdog } from "../../../tests/support/watchdog.ts";

/**
 * Runs one of {@linkcode programs}, and sends its signal whenever it is ready.
 *
 * @param options `expected` is what else it prints. Default "ok".
 * @returns undefined if it heard the signal and ended well, else what happened.
 */
export async function hears(
  [command, ...args]: string[],
  { expected = "ok\n", ...options }: {
    cwd?: string;
    env?: Record<string, string>;
    expected?: string;
  } = {},
): Promise<string | undefined> {
  const env = { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", ...options.env };
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(command!, {
      ...options,
      args,
      env,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    return `${command}: ${error}`;
  }
  let hung = false;
  const callOff = watchdog(60, () => {
    hung = true;
    child.kill("SIGKILL");
  });
  let stdout = "";
  let sent = Deno.build.os === "windows" ? Infinity : 0;
  const listen = async () => {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      stdout += text;
      const pids = Array.from(stdout.matchAll(/^ready (\d+)$/gm), ([, pid]) => Number(pid));
      for (; sent < pids.length; sent++) Deno.kill(pids[sent]!, "SIGINT");
    }
  };
  const [, stderr, { code, signal }] = await Promise.all([
    listen(),
    new Response(child.stderr).text(),
    child.status,
  ]);
  callOff();
  const printed = stdout.replaceAll("\r", "").replace(/^ready \d+\n/gm, "");
  if (code === 0 && printed === expected && stdout !== printed) return undefined;
  const end = hung ? "hung" : `ended with ${signal ?? code}`;
  return `${[command, ...args].join(" ")}\n${end}\n${stdout}${stderr}`;
}
