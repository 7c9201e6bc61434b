import { build } from "../scripts/build.ts";
import { prepareModules } from "../scripts/modules.ts";
import { run } from "../scripts/run.ts";
import { bun, node, nodeVersions } from "../scripts/toolchain.ts";
import { transpile } from "../scripts/transpile.ts";

const program = "tests/programs/faults";

/** Makes every system call of the library fail with every errno: on Deno, or, if not `short`, on all runtimes. */
export async function faults(
  short: boolean,
): Promise<{ ok: boolean; output: string; note: string }> {
  await build("testkit");
  const { flags } = await prepareModules();
  const runtimes: [name: string, command: string[]][] = [
    ["Deno", [Deno.execPath(), "run", "-A", ...flags, `${program}.ts`]],
  ];
  if (!short) {
    const tree = await transpile();
    runtimes.push(["Bun", [await bun(), `${program}.ts`]]);
    for (const major of nodeVersions) {
      const file = new URL(`${program}.js`, tree).pathname;
      runtimes.push([`Node ${major}`, [await node(major), file]]);
    }
  }
  const survived: string[] = [];
  for (const [name, command] of runtimes) {
    const root = new URL("..", import.meta.url);
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
