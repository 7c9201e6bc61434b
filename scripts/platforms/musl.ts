import { build } from "../lib/build.ts";
import { installNpm, pip } from "../lib/toolchain.ts";
import versions from "../lib/versions.json" with { type: "json" };
import { coreTests } from "./lib/core_tests.ts";
import { debian } from "./lib/debian.ts";
import type { Row } from "./lib/row.ts";
import { rowsOf } from "./lib/tests.ts";

/**
 * Runs the tests on Bun's build for musl. There is no such build of Deno, and none of Node on npm.
 * Musl comes from Debian, and the libraries of GCC for it from a wheel of PyPI that carries them.
 */
export async function musl(short: boolean): Promise<Row[]> {
  const name = "linux-x64 with musl, Bun";
  const none = { name, how: "impossible" as const, passed: 0, failed: 0, skipped: 0 };
  if (Deno.build.arch !== "x86_64") return [{ ...none, note: "only for x64" }];
  if (Deno.uid() !== 0) return [{ ...none, note: "needs root, for a mount namespace" }];
  await build("testkit");
  const folder = await debian({ name: "musl-1.2.5", arch: "amd64", packages: ["musl"], finish });
  // It tells the dynamic linker where libraries are.
  await Deno.writeTextFile(`${folder}/etc/ld-musl-x86_64.path`, `${folder}/libraries\n`);
  const prefix = inNamespace(folder);
  const path = await installNpm(
    `musl-bun-${versions.bun}`,
    "@oven/bun-linux-x64-musl",
    versions.bun,
    "bin/bun",
    prefix,
  );
  return await rowsOf([{ name, kind: "bun", path }], {
    how: "run",
    files: short ? ["tests/embedded_test.ts"] : coreTests(),
    env: {},
    limit: "musl",
    prefix,
  });
}

/** Adds the libraries of GCC, and sorts all by the folder in which musl looks for it. */
async function finish(folder: string) {
  const wheel = `${folder}/wheel`;
  await pip(
    wheel,
    "--platform=musllinux_1_2_x86_64",
    "--python-version=3.12",
    "--only-binary=:all:",
    `pyzmq==${versions.python.pyzmq}`,
  );
  const libraries = `${folder}/libraries`;
  await Deno.rename(`${wheel}/pyzmq.libs`, libraries);
  await Deno.remove(wheel, { recursive: true });
  // Their names have a hash in the wheel.
  for (const { name } of [...Deno.readDirSync(libraries)]) {
    const plain = name.replace(/-\w+\.so\.(\d+).*/, ".so.$1");
    if (plain !== name) await Deno.symlink(name, `${libraries}/${plain}`);
  }
  // The dynamic linker is libc too.
  await Deno.mkdir(`${folder}/linker`);
  const linker = `${folder}/linker/ld-musl-x86_64.so.1`;
  await Deno.rename(`${folder}/usr/lib/x86_64-linux-musl/libc.so`, linker);
  await Deno.chmod(linker, 0o755);
  await Deno.symlink("../linker/ld-musl-x86_64.so.1", `${libraries}/libc.musl-x86_64.so.1`);
}

/**
 * What goes before a command that needs musl: its programs name the dynamic linker by a path in
 * /lib. They find it in a mount namespace of their own, so that the machine does not change.
 *
 * @param folder see {@linkcode finish}.
 */
function inNamespace(folder: string): string[] {
  const script = `set -e
    over() { mount -t overlay overlay -o "lowerdir=$1:$2" "$2"; }
    over ${folder}/linker "$(realpath /lib)"
    over ${folder}/etc /etc
    exec "$@"`;
  return ["unshare", "-m", "sh", "-c", script, "sh"];
}
