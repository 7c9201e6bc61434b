import { run } from "../../lib/run.ts";

/** Its qemu is 10 and its musl 1.2.5; those of the release before are too old. */
const suite = "trixie";
const toolchain = decodeURIComponent(new URL("../../../.toolchain/", import.meta.url).pathname);

/**
 * Unpacks packages of Debian, of any architecture, into a folder in `.toolchain/`. The machine's
 * own packages do not change, and no root is needed.
 *
 * @param name of the folder.
 * @param arch in Debian's words, such as arm64.
 * @param packages with all that they need.
 * @param finish what is to be done in the folder once.
 * @returns the path of the folder.
 * @throws if Debian cannot be reached.
 */
export async function debian(
  name: string,
  arch: string,
  packages: string[],
  finish: (folder: string) => Promise<void> = () => Promise.resolve(),
): Promise<string> {
  const target = toolchain + name;
  if (await Deno.stat(target).catch(() => undefined)) return target;
  await Deno.mkdir(toolchain, { recursive: true });
  const folder = await Deno.makeTempDir({ dir: toolchain, prefix: `${name}.tmp-` });
  // Package lists and a cache of its own; the server is one that this machine's apt uses.
  const script = `set -e
    site=$(apt-get indextargets --format '$(SITE)' | grep 'debian/*$' | head -n 1)
    mkdir -p apt/lists/partial apt/archives/partial
    touch apt/status
    echo "deb $site ${suite} main" > apt/sources.list
    apt="apt-get -q -o Dir::State=$PWD/apt -o Dir::State::status=$PWD/apt/status"
    apt="$apt -o Dir::Cache=$PWD/apt -o Dir::Etc::SourceParts=/dev/null"
    apt="$apt -o Dir::Etc::SourceList=$PWD/apt/sources.list -o Debug::NoLocking=1"
    apt="$apt -o APT::Sandbox::User= -o APT::Architecture=${arch} -o APT::Architectures=${arch}"
    $apt update
    $apt download ${packages.join(" ")}
    # As in Debian; the packages have files in both.
    mkdir -p usr/lib && ln -s usr/lib lib
    for package in *.deb; do dpkg-deb -x $package .; done
    rm -r apt *.deb`;
  try {
    const { ok, output } = await run(["sh", "-c", script], { cwd: folder });
    if (!ok) {
      throw new Error(
        `Could not fetch ${packages} of Debian ${suite} for ${arch}: this needs apt-get with a Debian server among its sources\n${output}`,
      );
    }
    await finish(folder);
    await Deno.rename(folder, target);
  } catch (error) {
    await Deno.remove(folder, { recursive: true });
    throw error;
  }
  return target;
}
