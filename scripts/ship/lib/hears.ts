import { watchdog } from "../../../tests/support/watchdog.ts";

/**
 * Runs one of {@linkcode programs}, and sends its signal when it is ready.
 *
 * @returns undefined if it heard the signal and ended well, else what happened.
 */
export async function hears(
  [command, ...args]: string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
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
  let sent = Deno.build.os === "windows";
  const listen = async () => {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      stdout += text;
      const pid = /^ready (\d+)$/m.exec(stdout)?.[1];
      if (pid === undefined || sent) continue;
      sent = true;
      Deno.kill(Number(pid), "SIGINT");
    }
  };
  const [, stderr, { code, signal }] = await Promise.all([
    listen(),
    new Response(child.stderr).text(),
    child.status,
  ]);
  callOff();
  if (code === 0 && /^ready \d+\r?\nok\r?\n$/.test(stdout)) return undefined;
  const end = hung ? "hung" : `ended with ${signal ?? code}`;
  return `${[command, ...args].join(" ")}\n${end}\n${stdout}${stderr}`;
}
