/** Realms that end while their thread goes on, and several copies of the modules in one. */

import { assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import process from "node:process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runtime, start, startCommand, testsOf } from "./support/harness.ts";
import { copyModules } from "./support/modules_copy.ts";
import { testkit } from "./support/testkit.ts";
import { SIGRT6, SIGUSR2 } from "./support/signals.ts";

const test = testsOf(import.meta.url);

const mod = new URL(`../mod${import.meta.url.slice(-3)}`, import.meta.url);

function programOf(name: string): URL {
  const file = `./programs/${name}${import.meta.url.slice(-3)}`;
  return new URL(file, import.meta.url);
}

// Before 2.9.6 Deno goes on catching signals that it has listeners for, for a realm that is gone.
const REALTIME = SIGRT6;

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
  ["the realm takes no more properties", "frozen", ["node"]],
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

/** A folder of its own for what `use` writes there. */
async function inFolder(use: (folder: string) => Promise<void>) {
  const folder = mkdtempSync(join(tmpdir(), "realms-"));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Files of tests, each a realm: they leave an Interrupt and an EventPipe open, and print how many
 * descriptors there were.
 */
function writeTests(folder: string, count: number, runner: string): string[] {
  return Array.from({ length: count }, (_, index) => {
    const file = join(folder, `${index}.test.ts`);
    writeFileSync(
      file,
      `${runner}
import { readdirSync } from "node:fs";
import { EventPipe, Interrupt } from ${JSON.stringify(mod.href)};
test("leaves them open", async () => {
  if (globalThis.Bun) Bun.gc(true);
  await new Promise((resolve) => setTimeout(resolve, 1));
  console.log("left " + readdirSync("/proc/self/fd").length);
  new EventPipe();
  const interrupt = new Interrupt({ signal: "SIGUSR2" });
  Interrupt.signal(interrupt.signalFunc(), 7);
  if (await interrupt.wait() !== 7) throw new Error("another value");
});
`,
    );
    return file;
  });
}

/** What each of the realms found. */
function leftBehind(output: string): number[] {
  return Array.from(output.matchAll(/^left (\d+)$/gm), ([, n]) => Number(n));
}

test(
  "the files of `deno test` leave nothing behind, whatever they leave open",
  () =>
    inFolder(async (folder) => {
      const files = writeTests(
        folder,
        5,
        "const test = (name, fn) => Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });",
      );
      const { stdout, stderr } = await startCommand([
        ...[process.execPath, "test", "-A", "--no-config", "--no-check"],
        ...files,
      ]).ended;
      assertStringIncludes(stdout + stderr, "5 passed | 0 failed");
      const left = leftBehind(stdout);
      assertEquals(left, Array(5).fill(left[0]));
    }),
  { skip: runtime !== "deno" && "only Deno runs files so" },
);

test(
  "the files of `bun test --isolate` leave nothing behind, whatever they leave open",
  () =>
    inFolder(async (folder) => {
      const count = 20;
      const runner = `import { test } from "bun:test";`;
      const files = writeTests(folder, count, runner);
      const command = [process.execPath, "test", "--isolate", ...files];
      const { stdout, stderr } = await startCommand(command).ended;
      assertStringIncludes(stderr, `${count} pass`);
      const left = leftBehind(stdout);
      assertEquals(left.length, count);
      // The realm before is there still, and not all are collected at once; that would be two a
      // file.
      assertLess(left[count - 1]! - left[0]!, count);
    }),
  {
    skip: !/^1\.([3-9]|\d\d)/.test(process.versions.bun ?? "") &&
      "only Bun from 1.3 on runs files so",
  },
);

test(
  "`deno run --watch`: what the program left open is closed when it starts again",
  () =>
    inFolder(async (folder) => {
      const file = join(folder, "main.ts");
      const alive = "setInterval(() => {}, 1e6);";
      writeFileSync(
        file,
        `import { EventPipe, Interrupt } from ${JSON.stringify(mod.href)};
const pipe = new EventPipe();
const interrupt = new Interrupt({ signal: ${REALTIME}, pipe });
addEventListener("unload", () => {
  const closed = interrupt.closed && pipe.closed;
  interrupt.close();
  pipe.close();
  try {
    new Interrupt();
  } catch ({ code }) {
    console.log("unload", closed, code);
  }
});
console.log("ready");
${alive}`,
      );
      const program = startCommand([
        ...[process.execPath, "run", "--watch", "-A", "--no-config"],
        ...["--no-check", file],
      ]);
      assertEquals(await program.line(), "ready");
      // Again and again: Deno may not watch yet, and does not see a change that comes too early.
      const writing = setInterval(() => {
        writeFileSync(file, `console.log("again");\n${alive}`);
      }, 500);
      assertEquals(await program.line(), "unload true CLOSED");
      clearInterval(writing);
      assertEquals(await program.line(), "again");
      const status = readFileSync(`/proc/${program.pid}/status`, "utf8");
      const [, caught] = /SigCgt:\s*(\w+)/.exec(status)!;
      assertEquals(BigInt(`0x${caught}`) >> BigInt(REALTIME - 1) & 1n, 0n);
      program.child.kill("SIGKILL");
    }),
  { skip: runtime !== "deno" && "only Deno starts again so" },
);
