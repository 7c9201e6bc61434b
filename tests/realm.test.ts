/** Realms that end while their thread goes on, and several copies of the modules in one. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { runtime, start, startCommand, testsOf } from "./harness.ts";
import { copyModules } from "./modules_copy.ts";
import { testkit } from "./native/testkit.ts";

const test = testsOf(import.meta.url);

const mod = new URL(`../mod${import.meta.url.slice(-3)}`, import.meta.url);

function programOf(name: string): URL {
  const file = `./programs/${name}${import.meta.url.slice(-3)}`;
  return new URL(file, import.meta.url);
}

const SIGUSR2 = 12;

for (
  const [name, module] of [
    ["", () => mod.href],
    [", also where it brings the library itself", copyModules],
  ] as const
) {
  test(
    `\`deno test\` finds no leak in a test that makes and closes an Interrupt and an EventPipe${name}`,
    async () => {
      const { stdout, stderr } = await startCommand([
        ...[process.execPath, "test", "-A", "--no-config", "--no-check"],
        ...[fileURLToPath(programOf("sanitized")), "--", module()],
      ]).ended;
      assertStringIncludes(stdout + stderr, "3 passed | 0 failed");
    },
    { skip: runtime !== "deno" && "only Deno has these sanitizers" },
  );
}

/** The repository's own, one that is installed somewhere else, and one in a bundle. */
function threeCopies(): string[] {
  const name = `../lib/${process.platform}-${process.arch}.node`;
  const library = fileURLToPath(new URL(name, import.meta.url));
  return [mod.href, copyModules(library), copyModules()];
}

test("all copies of the modules in one realm hear a signal, and serve each other", async () => {
  const program = start(programOf("two_copies"), threeCopies());
  assertEquals(await program.line(), "ready");
  testkit.kill(program.pid, SIGUSR2, 1);
  assertEquals(await program.line(), "busy 0,1,2");
  testkit.kill(program.pid, SIGUSR2, 1);
  assertEquals(await program.line(), "idle 0,1,2");
  assertEquals((await program.ended).code, 0);
});

const oddRealms: [what: string, way: string, on: typeof runtime[]][] = [
  ["the realm takes no more properties", "frozen", ["bun", "node"]],
  ["their place is taken, by null", "null", ["deno", "bun", "node"]],
  ["their place is taken, by a text", "text", ["deno", "bun", "node"]],
  ["their place is taken, by an object", "object", ["deno", "bun", "node"]],
  ["the first came without permission", "unasked", ["deno"]],
];

for (const [what, way, on] of oddRealms) {
  test(`copies of the modules work where ${what}`, async () => {
    const program = start(programOf("odd_realm"), [way, ...threeCopies()]);
    const { stdout, stderr } = await program.ended;
    // Where they cannot find each other, each works by itself.
    const printed = way === "frozen" ? "first; second" : "first,second; ";
    assertEquals([stdout, stderr], [`${printed}\n`, ""]);
  }, { skip: !on.includes(runtime) && `${runtime} has no such realm` });
}
