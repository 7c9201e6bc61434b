import { run } from "../scripts/lib/run.ts";
import { commandsOf } from "./runtimes.ts";

const root = new URL("..", import.meta.url);

/**
 * Makes every system call of the library fail with every errno: on all runtimes, or on Deno only if
 * `short`.
 */
export async function faults(
  short: boolean,
): Promise<{ ok: boolean; output: string; note: string }> {
  const survived: string[] = [];
  for (const [name, command] of await commandsOf("tests/programs/faults")) {
    if (short && name !== "Deno") continue;
    const { ok, output } = await run(command, { cwd: root });
    if (!ok) return { ok, output: `${name}: ${output}`, note: "" };
    const count = Number(output.trim().split("\n").at(-1));
    survived.push(`${count.toLocaleString("en")} on ${name}`);
  }
  return {
    ok: true,
    output: "",
    note: `faults injected and survived: ${survived.join(", ")}`,
  };
}
