import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { limitCure } from "../ffi/errors.ts";
import { EventPipe, Interrupt, InterruptError } from "../mod.ts";
import { assertNoMoreDescriptors, openDescriptors } from "./support/descriptors.ts";
import { runtime, testsOf } from "./support/harness.ts";
import { start } from "./support/processes.ts";
import { copyModules } from "./support/modules_copy.ts";
import { makePipe, testkit } from "./support/testkit.ts";
import { raise } from "./support/senders.ts";
import { SIGUSR2 } from "./support/signals.ts";

const test = testsOf(import.meta.url);

/** Runs `body` while no descriptor can be opened. */
function atTheLimit<T>(body: () => T): T {
  // The next descriptor would get this number.
  const next = testkit.eventfd();
  testkit.close(next);
  const before = testkit.descriptor_limit(next);
  try {
    assertEquals(testkit.eventfd(), -24);
    return body();
  } finally {
    testkit.descriptor_limit(before);
  }
}

/** Checks that `body` throws an error that names cause and cure. */
function assertLimited(body: () => unknown) {
  let error: unknown;
  try {
    body();
  } catch (thrown) {
    error = thrown;
  }
  assert(error instanceof InterruptError, `${body} threw ${error}`);
  assertEquals(error.code, "SYSTEM");
  assertStringIncludes(error.message, "EMFILE");
  assertStringIncludes(error.message, "ulimit -n");
}

test("the first Interrupt at the descriptor limit", async () => {
  const open = () => new Interrupt({ signal: 12 });
  // Node's event loop already has its wake.
  if (runtime === "node") atTheLimit(open).close();
  else atTheLimit(() => assertLimited(open));
  const interrupt = open();
  const next = interrupt.wait();
  testkit.kill(testkit.pid(), 12, 1);
  assertEquals(await next, SIGUSR2);
});

const library = fileURLToPath(
  new URL(`../lib/${process.platform}-${process.arch}.node`, import.meta.url),
);

/**
 * Runs a process that opens the library for the first time with `left` descriptors left, and
 * returns what it printed.
 */
async function openFirst(module: string, left: number) {
  const extension = import.meta.url.slice(-3);
  const program = (name: string) => new URL(`./programs/${name}${extension}`, import.meta.url);
  // Modules run in this order after all of them are read. From then on loading needs no descriptor.
  const entry = new URL(`entry${extension}`, module);
  const modules = [program("at_the_limit").href, module];
  const lines = modules.map((url) => `export * from "${url}";\n`);
  writeFileSync(entry, lines.join(""));
  const args = [entry.href, `${left}`];
  const { stdout, stderr } = await start(program("first_at_limit"), args).ended;
  assertEquals(stderr, "");
  return JSON.parse(stdout) as {
    errors: { name: string; code: string; message: string }[];
    same: boolean;
    calls: number;
  };
}

for (
  const [where, file] of [
    ["beside the modules", library],
    ["in a module", undefined],
  ]
) {
  test(`the library ${where}, opened for the first time at the descriptor limit: a clear error, and later it works`, async () => {
    const module = copyModules(file);
    // For the file that is written where memfd is not available.
    const folder = process.env.TMPDIR = mkdtempSync(join(tmpdir(), "limit-"));
    // Start with no descriptor left, and allow one more until it works.
    let works = false;
    for (let left = 0; !works; left++) {
      const { errors, same, calls } = await openFirst(module, left);
      works = errors.length === 0;
      assertEquals([errors.length, works], works ? [0, left > 0] : [5, false]);
      for (const { name, code, message } of errors) {
        assertEquals(name, "InterruptError");
        // With some descriptors left the library itself may open.
        if (left === 0) assertEquals(code, "LIBRARY_NOT_FOUND");
        assertMatch(message, /EMFILE|Too many open files|No file descriptors available/);
        assertStringIncludes(message, "ulimit -n");
        assert(!message.includes("--allow-ffi"), message);
      }
      // If it worked, Deno's handler stays installed.
      assertEquals([same, calls], [runtime !== "deno" || !works, 6]);
      assertEquals(readdirSync(folder), []);
    }
    rmSync(folder, { recursive: true });
  });
}

test("an error that names a descriptor limit is distinguished from all others", () => {
  const dlopen = "x.so: cannot open shared object file: ";
  for (
    const [text, cure] of [
      [`${dlopen}Too many open files`, "ulimit -n"],
      ["Error loading shared library x.so: No file descriptors available", "ulimit -n"],
      ["EMFILE: too many open files, open 'x.so'", "ulimit -n"],
      [`${dlopen}Too many open files in system`, "fs.file-max"],
      ["ENFILE: file table overflow, open 'x.so'", "fs.file-max"],
    ]
  ) {
    assertStringIncludes(limitCure(text!) ?? "", cure!);
  }
  assertEquals(limitCure(`${dlopen}No such file or directory`), undefined);
});

test("at the descriptor limit, everything that needs a descriptor throws EMFILE and leaves nothing behind, and works later", () => {
  const interrupt = new Interrupt({ wake: false });
  const [given, another] = [makePipe(), makePipe()];
  const pipe = new EventPipe();
  const adopted = new Interrupt({ wake: false, pipe: given });
  // What Deno opens with its first listener stays open.
  new Interrupt({ signal: 12 }).close();
  testkit.disposition_save(12, 12);
  const uses: (() => { close(): void } | void)[] = [
    () => new EventPipe(),
    () => new Interrupt({ wake: false, signal: 12, pipe: another }),
    () => pipe.renew(),
    () => adopted.postFork(),
    () => void interrupt.pipeFileno,
  ];
  const before = openDescriptors();
  for (const use of uses) {
    atTheLimit(() => {
      for (let round = 0; round < 10; round++) assertLimited(use);
    });
    assertEquals(testkit.disposition_same(12, 12), 1);
    assertNoMoreDescriptors(before);
  }
  for (const use of uses) use()?.close();
  // The pipe that was made on demand is an eventfd, which is one descriptor.
  assertNoMoreDescriptors(before + 1);
  pipe.signal();
  assert(pipe.wait(0));
});

test("what is already open works at the descriptor limit without another descriptor", async () => {
  const values: number[] = [];
  const interrupt = new Interrupt({
    signal: 12,
    callback: (value) => values.push(value),
  });
  const first = interrupt.wait();
  interrupt.signal(3);
  await first;
  const fd = interrupt.pipeFileno;
  const next = testkit.eventfd();
  testkit.close(next);
  const before = testkit.descriptor_limit(next);
  const second = interrupt.wait();
  testkit.kill(testkit.pid(), 12, 1);
  await second;
  assertEquals(values, [3, 12]);
  assertEquals(interrupt.pipeFileno, fd);
  using another = new Interrupt({ signal: 12, wake: false });
  raise(SIGUSR2);
  assertEquals(another.pending, SIGUSR2);
  testkit.descriptor_limit(before);
});
