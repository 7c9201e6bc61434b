import { run } from "../../lib/run.ts";
import { toolFolder } from "../../lib/tool_folder.ts";

/** Its qemu is 10, its Wine 10 and its musl 1.2.5; those of the release before are too old. */
const suite = "trixie";

/** What {@linkcode debian} unpacks. */
export interface Packages {
  /** Of the folder. */
  name: string;
  /** In Debian's words, such as arm64. */
  arch: string;
  packages: string[];
  /** Whether to unpack all that they depend on, too. */
  whole?: boolean;
  /** What is to be done in the folder once; it has the packages as files. */
  finish?(folder: string): Promise<void>;
}

/**
 * Unpacks packages of Debian, of any architecture, into a folder in `.toolchain/`. The machine's
 * own packages do not change, and no root is needed.
 *
 * @returns the path of the folder.
 * @throws if Debian cannot be reached.
 */
export async function debian(
  { name, arch, packages, whole = false, finish }: Packages,
): Promise<string> {
  const fetch = whole ? "install -y --no-install-recommends --download-only" : "download";
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
    $apt ${fetch} ${packages.join(" ")}
    mv apt/archives/*.deb . 2>/dev/null || true
    # As in Debian; the packages have files in both.
    for name in bin lib lib64 sbin; do mkdir -p usr/$name && ln -s usr/$name $name; done
    for package in *.deb; do dpkg-deb -x $package .; done`;
  return await toolFolder(name, async (folder) => {
    const { ok, output } = await run(["sh", "-c", script], { cwd: folder, timeout: 900 });
    if (!ok) {
      throw new Error(
        `Could not fetch ${packages} of Debian ${suite} for ${arch}: this needs apt-get with a Debian server among its sources\n${output}`,
      );
    }
    await finish?.(folder);
    await run(["sh", "-c", "rm -r apt *.deb"], { cwd: folder });
  });
}
