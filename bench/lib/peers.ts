/** Fetches the peers into `build/peers/`. None of them is committed or shipped. */

import { npmInstall } from "../../scripts/lib/npm_install.ts";
import { run } from "../../scripts/lib/run.ts";
import pinned from "./peers.json" with { type: "json" };

/**
 * Its `node_modules` has the packages; the folder itself has what is built here. Programs find it
 * in `$BENCH_PEERS`.
 */
export const peersFolder = new URL("../../build/peers/", import.meta.url);

/** Installs the npm packages unless they are already there. */
export async function installPeers(): Promise<void> {
  await installNpm("node_modules", pinned.npm, "npm/node_modules");
}

/** Installs the packages that draw the pictures, in a folder of their own. */
export function installDrawing(): Promise<URL> {
  return installNpm("drawing", pinned.drawing, "npm");
}

/**
 * Makes `build/peers/<name>` from the folder that the packages are installed in, or from a
 * subfolder of it.
 */
function installNpm(
  name: string,
  dependencies: Record<string, string>,
  wanted: string,
): Promise<URL> {
  const stamp = JSON.stringify(dependencies);
  return whole(name, "packages.json", stamp, async (temp) => {
    await Deno.mkdir(`${temp}/npm`);
    await npmInstall(`${temp}/npm`, dependencies);
    return wanted;
  });
}

/**
 * The command line of a Perl that finds Async::Interrupt: the system's Perl, or else Debian's
 * packages, unpacked without root.
 */
export async function perl(): Promise<string[]> {
  const probe = (command: string[]) =>
    run([...command, "-MAsync::Interrupt", "-e1"], { timeout: 30 });
  if ((await probe(["perl"])).ok) return ["perl"];

  const stamp = pinned.debian.join("\n");
  const root = await whole("perl", "packages.txt", stamp, async (folder) => {
    const download = ["apt-get", "download", ...pinned.debian];
    // Without package lists apt knows no package, and only root may update the system's lists.
    if (!(await run(download, { cwd: folder })).ok) {
      await run(["apt-get", "update"]);
      await must(download, folder, "Could not fetch Debian's packages");
    }
    for (const { name } of [...Deno.readDirSync(folder)]) {
      const unpack = ["dpkg", "-x", name, "root"];
      await must(unpack, folder, "Could not unpack Debian's package");
    }
    return "root";
  });
  const { output } = await run([
    "find",
    root.pathname,
    "(",
    "-path",
    "*/Async/Interrupt.pm",
    "-o",
    "-path",
    "*/common/sense.pm",
    ")",
  ]);
  const folders = output.trim().split("\n").map((file) =>
    `-I${file.replace(/\/[^/]+\/[^/]+$/, "")}`
  );
  const command = ["perl", ...folders];
  const { ok, output: why } = await probe(command);
  if (!ok) throw new Error(`Perl cannot load Async::Interrupt:\n${why}`);
  return command;
}

/**
 * Makes `build/peers/<name>`. The folder gets this name only once it is complete; `make` returns
 * which subfolder to use.
 */
async function whole(
  name: string,
  stampName: string,
  stamp: string,
  make: (folder: string) => Promise<string>,
): Promise<URL> {
  const target = new URL(`${name}/`, peersFolder);
  const found = await Deno.readTextFile(new URL(stampName, target))
    .catch(() => undefined);
  if (found === stamp) return target;

  console.error(`Fetching ${name} for the bench`);
  await Deno.mkdir(peersFolder, { recursive: true });
  const temp = await Deno.makeTempDir({
    dir: peersFolder.pathname,
    prefix: `${name}.tmp-`,
  });
  try {
    const made = `${temp}/${await make(temp)}`;
    await Deno.writeTextFile(`${made}/${stampName}`, stamp);
    await Deno.remove(target, { recursive: true }).catch(() => {});
    await Deno.rename(made, target);
  } finally {
    await Deno.remove(temp, { recursive: true }).catch(() => {});
  }
  return target;
}

async function must(command: string[], cwd: string, what: string) {
  const { ok, output } = await run(command, { cwd, timeout: 600 });
  if (!ok) throw new Error(`${what}:\n${output}`);
}
