/** Realms that end while their thread continues, and several copies of the modules in one realm. */

import { assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import process from "node:process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runtime, testsOf } from "./support/harness.ts";
import { start, startCommand } from "./support/processes.ts";
import { copyModules } from "./support/modules_copy.ts";
import { testkit } from "./support/testkit.ts";
import { SIGRT6, SIGUSR2 } from "./support/signals.ts";

const test = testsOf(import.meta.url);

const mod = new URL(`../mod${import.meta.url.slice(-3)}`, import.meta.url);

function programOf(name: string): URL {
  const file = `./programs/${name}${import.meta.url.slice(-3)}`;
  return new URL(file, import.meta.url);
}

// Before 2.9.6 Deno still catches the signals that an ended realm listened to, so use a signal for
// which Deno has no listeners.
const REALTIME = SIGRT6;

for (
  const [name, module] of [
    ["", () => mod.href],
    [", also where the package contains the library", copyModules],
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

/** The copy in the repository, one that is installed elsewhere, and one in a bundle. */
function threeCopies(): string[] {
  const name = `../lib/${process.platform}-${process.arch}.node`;
  const library = fileURLToPath(new URL(name, import.meta.url));
  return [mod.href, copyModules(library), copyModules()];
}

test("all copies of the modules in one realm hear a signal, and serve one another", async () => {
  const program = start(programOf("two_copies"), threeCopies());
  assertEquals(await program.line(), "ready");
  testkit.kill(program.pid, SIGUSR2, 1);
  assertEquals(await program.line(), "busy 0,1,2");
  testkit.kill(program.pid, SIGUSR2, 1);
  assertEquals(await program.line(), "idle 0,1,2");
  assertEquals((await program.ended).code, 0);
});

const oddRealms: [what: string, way: string, on: typeof runtime[]][] = [
  ["the realm is not extensible", "frozen", ["node"]],
  ["their global property has the value null", "null", ["deno", "bun", "node"]],
  ["their global property has a string as its value", "text", ["deno", "bun", "node"]],
  ["their global property has a foreign object as its value", "object", ["deno", "bun", "node"]],
  ["the first copy was loaded without permission", "unasked", ["deno"]],
];

for (const [what, way, on] of oddRealms) {
  test(`copies of the modules work where ${what}`, async () => {
    const program = start(programOf("odd_realm"), [way, ...threeCopies()]);
    const { stdout, stderr } = await program.ended;
    // Where the copies cannot find each other, each of them works by itself.
    const printed = way === "frozen" ? "first; second" : "first,second; ";
    assertEquals([stdout, stderr], [`${printed}\n`, ""]);
  }, { skip: !on.includes(runtime) && `${runtime} has no such realm` });
}

/** Runs `use` with a temporary folder. */
async function inFolder(use: (folder: string) => Promise<void>) {
  const folder = mkdtempSync(join(tmpdir(), "realms-"));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Writes test files, each of which runs in a realm of its own. They leave an Interrupt and an
 * EventPipe open, and print how many descriptors they found.
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

/** How many descriptors each realm found. */
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
  { skip: runtime !== "deno" && "only Deno runs test files like this" },
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
      // The previous realm may still be there, and not all realms are collected at once. A real
      // leak would be two descriptors per file.
      assertLess(left[count - 1]! - left[0]!, count);
    }),
  {
    skip: !/^1\.([3-9]|\d\d)/.test(process.versions.bun ?? "") &&
      "only Bun from 1.3 on runs test files like this",
  },
);

test(
  "`deno run --watch`: what the program left open is closed before it restarts",
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
      // Repeatedly, because Deno may not watch yet and then misses the change.
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
  { skip: runtime !== "deno" && "only Deno restarts programs like this" },
);
