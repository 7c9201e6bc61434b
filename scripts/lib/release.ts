import config from "../../deno.json" with { type: "json" };
import safepoints from "../../safepoints/deno.json" with { type: "json" };
import { prepareModules } from "./modules.ts";
import { platforms } from "./platforms.ts";
import { publish } from "./publish.ts";
import { type Outcome, run } from "./run.ts";

const root = new URL("../..", import.meta.url);
const { version } = config;
/** The packages for npm: the second one needs the first. */
const npmFolders = ["npm/", "build/npm_safepoints/"];

/** One thing that a release needs. */
type Check = () => Promise<Outcome>;

const outcome = (ok: boolean, output: string): Promise<Outcome> => Promise.resolve({ ok, output });

/** What holds between releases, too. */
const always: Record<string, Check> = {
  async "version of the sources"() {
    const soname = `libasync_interrupt-${version}.so`;
    const symbols = await text("ffi/symbols.ts");
    return await outcome(
      /^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version) && symbols.includes(soname),
      `deno.json has ${version}, and ffi/symbols.ts must have ${soname}: deno task build generate`,
    );
  },

  async "libraries of all platforms"() {
    const sizes = await Promise.all(platforms.map(async (platform) => {
      const { size } = await Deno.stat(new URL(`lib/${platform}.node`, root)).catch(() => ({
        size: 0,
      }));
      return [platform, size] as const;
    }));
    const missing = sizes.filter(([, size]) => size === 0).map(([platform]) => platform);
    return await outcome(missing.length === 0, `not built: ${missing.join(", ")}`);
  },

  async "packages for JSR"() {
    const { flags } = await prepareModules();
    return await publish(flags);
  },

  async "versions of both packages"() {
    return await outcome(
      safepoints.version === version,
      `safepoints/deno.json has ${safepoints.version}, deno.json ${version}`,
    );
  },

  async "packages for npm"() {
    for (const folder of npmFolders) {
      const json = JSON.parse(await text(`${folder}package.json`));
      if (json.version !== version) return await outcome(false, `${folder} has ${json.version}`);
      const { ok, output } = await run(["npm", "publish", "--dry-run", "--access", "public"], {
        cwd: new URL(folder, root),
      });
      if (!ok) return { ok, output };
    }
    return await outcome(true, "");
  },

  async "size of the package for npm"() {
    const { ok, output } = await run(["npm", "pack", "--dry-run", "--json", "--silent"], {
      cwd: new URL("npm/", root),
    });
    if (!ok) return { ok, output };
    const [{ size }] = JSON.parse(output);
    return await outcome(size < 150_000, `${size} bytes, of 150,000 for all platforms`);
  },

  async "provenance"() {
    const workflow = await text(".github/workflows/publish.yml");
    // By these npm and JSR know which source and which workflow a package comes from.
    const wanted = [
      "id-token: write",
      ...npmFolders.map((folder) => {
        return `npm publish --provenance --access public\n        working-directory: ${
          folder.slice(0, -1)
        }\n`;
      }),
      "deno publish\n      - run",
      "deno publish\n        working-directory: safepoints\n",
    ];
    const missing = wanted.filter((words) => !workflow.includes(words));
    for (const folder of npmFolders) {
      const json = JSON.parse(await text(`${folder}package.json`));
      if (!/github\.com\/[^/]+\/[^/]+\.git$/.test(json.repository?.url)) missing.push("repository");
    }
    return await outcome(missing.length === 0, `missing: ${missing.join(", ")}`);
  },
};

/** What holds for a release only. */
const once: Record<string, Check> = {
  async "changelog"() {
    const changelog = await text("CHANGELOG.md");
    const released = changelog.includes(`\n## [${version}] - `);
    const left = /## \[Unreleased\]\s+### /.test(changelog);
    return await outcome(
      released && !left,
      `CHANGELOG.md must have "## [${version}] - <date>", and nothing under "Unreleased"`,
    );
  },

  async "clean tree"() {
    const { ok, output } = await run(["git", "status", "--porcelain"], { cwd: root });
    return { ok: ok && output === "", output: `not committed:\n${output}` };
  },

  async "tag"() {
    const tag = `v${version}`;
    const pushed = Deno.env.get("GITHUB_REF_TYPE") === "tag" && Deno.env.get("GITHUB_REF_NAME");
    if (pushed && pushed !== tag) return await outcome(false, `${pushed} is not ${tag}`);
    const revision = async (
      name: string,
    ) => (await run(["git", "rev-parse", "--verify", "--quiet", `${name}^{commit}`], {
      cwd: root,
    }));
    const [tagged, head] = await Promise.all([revision(tag), revision("HEAD")]);
    const free = !tagged.ok || tagged.output === head.output;
    return await outcome(free, `${tag} is the tag of another commit`);
  },
};

/**
 * Checks what a release needs. Publishes nothing.
 *
 * @param unreleased leaves out what holds for a release only.
 * @returns by name. An outcome that is not ok says what is missing.
 */
export async function release(unreleased: boolean): Promise<Record<string, Outcome>> {
  const checks = { ...always, ...unreleased ? {} : once };
  const outcomes: Record<string, Outcome> = {};
  for (const [name, check] of Object.entries(checks)) {
    outcomes[name] = await check().catch((error): Outcome => ({ ok: false, output: `${error}\n` }));
  }
  return outcomes;
}

function text(file: string): Promise<string> {
  return Deno.readTextFile(new URL(file, root));
}
