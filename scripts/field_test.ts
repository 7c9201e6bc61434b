/** The npm package among the packages, commands and terminals that people use it with. Part of `deno task ok`. */

import { assert, assertEquals } from "@std/assert";
import { run } from "./run.ts";
import { bun, node, nodeVersions } from "./toolchain.ts";
import versions from "./versions.json" with { type: "json" };
import { startCommand } from "../tests/harness.ts";

// Builds npm/; the import map decides with what.
await import("./build_npm.ts");

const npm = new URL("../npm/", import.meta.url);
const programs = new URL("field/", import.meta.url);
const folder = await Deno.makeTempDir({ prefix: "async-interrupt-field-" });
const newest = nodeVersions.at(-1)!;

/** The runtimes, with the command that runs a program. */
const runtimes: Record<string, string[]> = {
  Deno: [Deno.execPath(), "run", "-A"],
  Bun: [await bun()],
  "Node 22": [await node("22")],
  [`Node ${newest}`]: [await node(newest)],
};

async function command(...command: string[]) {
  const { ok, output } = await run(command, { cwd: folder });
  assert(ok, `${command.join(" ")}\n${output}`);
}

Deno.test("the package installs beside others", async () => {
  const json = JSON.stringify({ dependencies: versions.packages });
  await Deno.writeTextFile(`${folder}/package.json`, json);
  for (const { name } of Deno.readDirSync(programs)) {
    await Deno.copyFile(new URL(name, programs), `${folder}/${name}`);
  }
  await command("npm", "pack", decodeURIComponent(npm.pathname));
  const tarball = Array.from(Deno.readDirSync(folder), ({ name }) => name)
    .find((name) => name.endsWith(".tgz"));
  await command("npm", "install", `./${tarball}`);
});

/** How a program ended that idles, says "ready" and gets SIGTERM. */
async function terminated(command: string[]) {
  const { pid, line, ended } = startCommand(command, 60);
  for (let text = await line(); text !== ""; text = await line()) {
    if (text === "ready") Deno.kill(pid, "SIGTERM");
  }
  const { code, signal, stdout, stderr, hung } = await ended;
  return { code, signal, hung, stdout, stderr };
}

/** What of it must not depend on who listens: not in what order they hear, nor how often. */
function outcome(
  { code, signal, hung, stdout }: Awaited<ReturnType<typeof terminated>>,
) {
  return { code, signal, hung, said: new Set(stdout.trim().split("\n")) };
}

const drained = { code: 0, signal: null, hung: false };
const packages = [
  "none",
  ...Object.keys(versions.packages).filter((name) => name !== "prompts"),
];
/** With these a listener drains the server on every runtime: the others end the process by themselves, or not everywhere. */
const drains = [
  "none",
  "signal-exit",
  "signal-exit-3",
  "death",
  "node-cleanup",
];

for (const [runtime, command] of Object.entries(runtimes)) {
  Deno.test(`${runtime}: beside packages an Interrupt drains a server and ends wherever a listener would`, async () => {
    await Promise.all(packages.map(async (name) => {
      const [one, other, ...interrupts] = await Promise.all(
        ["listener", "interrupt"].flatMap((who) =>
          ["before", "after"].map((when) =>
            terminated([...command, `${folder}/drain.cjs`, name, who, when])
          )
        ),
      );
      for (const [i, listener] of [one, other].entries()) {
        const { said, ...end } = outcome(listener);
        if (drains.includes(name)) {
          assertEquals({ name, end }, { name, end: drained });
          assert(said.has("drained"), `${name}\n${listener.stderr}`);
        }
        assertEquals(
          { name, ...outcome(interrupts[i]) },
          { name, said, ...end },
          `${interrupts[i].stdout}${interrupts[i].stderr}`,
        );
      }
    }));
  });
}

globalThis.addEventListener("unload", () => {
  Deno.removeSync(folder, { recursive: true });
});
