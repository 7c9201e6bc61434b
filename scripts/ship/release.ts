import config from "../../deno.json" with { type: "json" };
import { release } from "../lib/release.ts";
import { removeFolder, run, temporaryFolder } from "../lib/run.ts";
import type { Cell } from "./lib/cell.ts";
import { packageFolder } from "./lib/package_folder.ts";

const root = decodeURIComponent(new URL("../../", import.meta.url).pathname);
const { version } = config;

/**
 * What `deno task release --dry-run` checks, as far as it holds between releases; and the whole of
 * it, in a copy of the last commit that is made the next release.
 */
export async function releaseCells(): Promise<Cell[]> {
  await packageFolder();
  const cells = Object.entries(await release(true)).map(([name, { ok, output }]): Cell => ({
    way: `release: ${name}`,
    where: "Deno",
    how: "inspected",
    failure: ok ? undefined : output,
  }));
  const way = "release: all that CONTRIBUTING.md says, in a copy";
  return [...cells, { way, where: "Deno", how: "run", failure: await releaseCopy() }];
}

/** Returns what failed. */
async function releaseCopy(): Promise<string | undefined> {
  const folder = await temporaryFolder("async-interrupt-ship-release-");
  const copy = `${folder}/copy`;
  const next = `${Number(version.split(".")[0]) + 1}.0.0`;
  const edit = async (name: string, from: string, to: string) => {
    const text = await Deno.readTextFile(`${copy}/${name}`);
    if (!text.includes(from)) throw new Error(`${name} has no ${from}`);
    await Deno.writeTextFile(`${copy}/${name}`, text.replace(from, to));
  };
  const demand = async (...command: string[]) => {
    // Where a workflow was started by a tag, it is that of another release.
    const env = { GITHUB_REF_TYPE: "" };
    const { ok, output } = await run(command, { cwd: copy, env, timeout: 600 });
    if (!ok) throw new Error(`${command.join(" ")}\n${output}`);
  };
  const author = ["-c", "user.name=Ship", "-c", "user.email=ship@localhost"];
  try {
    await Deno.mkdir(copy);
    await demand("git", "clone", "--quiet", root, ".");
    // Tools and what they have built already: only the time differs.
    const shared = [".toolchain", ".zig-cache"];
    await Deno.writeTextFile(`${copy}/.git/info/exclude`, shared.join("\n"));
    for (const name of shared) await Deno.symlink(root + name, `${copy}/${name}`);

    const [from, to] = [version, next].map((version) => `"version": "${version}"`);
    for (const name of ["deno.json", "safepoints/deno.json"]) await edit(name, from!, to!);
    await demand(Deno.execPath(), "task", "build", "generate");
    const unreleased = "## [Unreleased]\n";
    await edit("CHANGELOG.md", unreleased, `${unreleased}\n## [${next}] - 2026-01-01\n`);
    await demand("git", ...author, "commit", "--quiet", "--all", `--message=Release ${next}`);
    await demand("git", "tag", `v${next}`);
    await demand(Deno.execPath(), "task", "release", "--dry-run");
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    removeFolder(folder);
  }
}
