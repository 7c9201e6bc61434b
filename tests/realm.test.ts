/** Realms that end while their thread goes on, and several copies of the modules in one. */

import { assertStringIncludes } from "@std/assert";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { runtime, startCommand, testsOf } from "./harness.ts";
import { copyModules } from "./modules_copy.ts";

const test = testsOf(import.meta.url);

const mod = new URL(`../mod${import.meta.url.slice(-3)}`, import.meta.url);

function programOf(name: string): string {
  const file = `./programs/${name}${import.meta.url.slice(-3)}`;
  return fileURLToPath(new URL(file, import.meta.url));
}

for (
  const [name, module] of [
    ["", () => mod.href],
    [", also where it brings the library itself", copyModules],
  ] as const
) {
  test(`\`deno test\` finds no leak in a test that makes and closes an Interrupt and an EventPipe${name}`, async () => {
    const { stdout, stderr } = await startCommand([
      ...[process.execPath, "test", "-A", "--no-config", "--no-check"],
      ...[programOf("sanitized"), "--", module()],
    ]).ended;
    assertStringIncludes(stdout + stderr, "3 passed | 0 failed");
  }, { skip: runtime !== "deno" && "only Deno has these sanitizers" });
}
