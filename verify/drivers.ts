import { type Outcome, run } from "../scripts/lib/run.ts";
import { node, nodeVersions } from "../scripts/lib/toolchain.ts";

const root = new URL("..", import.meta.url);
const version = "12.11.1";

/**
 * The tests of SQLite with better-sqlite3 on each Node. Where npm cannot download a binary, it
 * compiles SQLite, which takes minutes: so this is no part of the gate.
 */
export async function drivers(short: boolean): Promise<Outcome & { note: string }> {
  const outcomes: Outcome[] = [];
  for (const major of short ? nodeVersions.slice(-1) : nodeVersions) {
    const env = { BETTER_SQLITE3: await install(major) };
    const gate = ["scripts/ok.ts", `--only=node${major}`, "tests/sqlite_test.ts"];
    const command = [Deno.execPath(), "run", "-A", ...gate];
    outcomes.push(await run(command, { cwd: root, env, timeout: 1200 }));
  }
  const output = outcomes.map(({ output }) => output).join("");
  const counts = output.match(/^node.*$/gm)?.join("; ") ?? "nothing ran";
  return { ok: outcomes.every(({ ok }) => ok), output, note: counts };
}

/** Returns the folder in which this Node finds the package. Compiles it once only. */
async function install(major: string): Promise<string> {
  const folder = new URL(`build/drivers/node${major}/`, root);
  const stamp = new URL("installed", folder);
  const isInstalled = await Deno.readTextFile(stamp).then((text) => text === version, () => false);
  if (isInstalled) return folder.pathname;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(new URL("package.json", folder), "{}");
  const path = await node(major);
  const bin = path.slice(0, path.lastIndexOf("/"));
  const env = {
    PATH: `${bin}:${Deno.env.get("PATH")}`,
    // The headers of this Node, which its package has.
    npm_config_nodedir: bin.replace(/\/bin$/, ""),
  };
  const installed = await run(["npm", "install", `better-sqlite3@${version}`], {
    cwd: folder,
    env,
    timeout: 1200,
  });
  if (!installed.ok) throw new Error(installed.output);
  await Deno.writeTextFile(stamp, version);
  return folder.pathname;
}
