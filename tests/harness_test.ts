/** Tests of the test harness. */

import { assertEquals } from "@std/assert";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import {
  ENDED_EARLY,
  marker,
  ownProcess,
  runtime,
  testsOf,
  together,
  until,
} from "./support/harness.ts";
import { start, startCommand } from "./support/processes.ts";
import { machineLoad, SLOWNESS, watchdog } from "./support/watchdog.ts";

const test = testsOf(import.meta.url);

test(
  "tests pass with an import map whose modules import others by names from that map",
  async () => {
    const given = process.env.ASYNC_INTERRUPT_IMPORT_MAP;
    const imports: Record<string, string> = {};
    if (given !== undefined) {
      const map = JSON.parse(readFileSync(new URL(given), "utf8"));
      for (const [name, address] of Object.entries<string>(map.imports)) {
        imports[name] = /^\.{0,2}\//.test(address) ? new URL(address, given).href : address;
      }
    }
    const folder = mkdtempSync(join(tmpdir(), "import-map-"));
    try {
      const file = (name: string, text: string) => {
        writeFileSync(join(folder, name), text);
        return pathToFileURL(join(folder, name)).href;
      };
      imports["an/inner/name"] = import.meta.resolve("@std/assert");
      imports["@std/assert"] = file(
        "assert.ts",
        `export * from "an/inner/name";\n`,
      );
      const map = file("map.json", JSON.stringify({ imports }));
      const { code, stdout, stderr } = await startCommand([
        "env",
        `ASYNC_INTERRUPT_IMPORT_MAP=${map}`,
        process.execPath,
        "test",
        "-A",
        "--no-check",
        `--import-map=${map}`,
        "tests/library_test.ts",
      ]).ended;
      assertEquals(code, 0, stdout + stderr);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
  { skip: runtime !== "deno" && "only Deno has import maps" },
);

/** How many ticks pass before a watchdog of two seconds barks, at that load. */
async function looks(load: number): Promise<number> {
  let count = 0;
  await new Promise<void>((resolve) =>
    watchdog(2, resolve, () => {
      count++;
      return load;
    })
  );
  return count;
}

test("on shared processors a watchdog waits proportionally longer", async () => {
  assertEquals(await Promise.all([looks(1), looks(2.5)]), [8 * SLOWNESS, 20 * SLOWNESS]);
});

test("a watchdog counts the processes that want to run", async () => {
  const processors = availableParallelism();
  const busy = Array.from(
    { length: 4 * processors },
    () => startCommand(["sh", "-c", "while :; do :; done"]),
  );
  try {
    await until(() => machineLoad() >= 4);
  } finally {
    for (const { child } of busy) child.kill("SIGKILL");
  }
});

for (const how of ["sleep", "crunch"]) {
  test(`a program that will ${how} for ever is reported as hung`, async () => {
    const program = new URL("./programs/hang.ts", import.meta.url);
    const { hung, signal } = await start(program, [how], { timeout: 0.5 }).ended;
    assertEquals({ hung, signal }, { hung: true, signal: "SIGKILL" });
  });
}

test("tests in one process are told one by one, and one that hangs ends it", async () => {
  const program = new URL("./programs/together.ts", import.meta.url);
  const told = async (without: string) => {
    const { stdout } = await start(program, [together, without]).ended;
    return stdout.match(/^(?:begins|passed|failed|skipped|all).*$/gm);
  };
  const first = ["begins: passes", "passed: passes", "begins: fails", "failed: fails"];
  const own = `skipped: needs its own # SKIP ${ownProcess}`;
  assertEquals(await told("^$"), [...first, own, "begins: hangs"]);
  const not = (name: string) => `skipped: ${name} # SKIP not here`;
  const rest = ["begins: comes later", "passed: comes later", "all"];
  assertEquals(await told("^(passes|fails|needs its own|hangs)$"), [
    ...["passes", "fails", "needs its own", "hangs"].map(not),
    ...rest,
  ]);
});

test("a test fails whose process ends while it waits", async () => {
  const program = new URL("./programs/together.ts", import.meta.url);
  const { code, stdout } = await start(program, [marker, "hangs"]).ended;
  assertEquals({ code, stdout }, { code: ENDED_EARLY, stdout: "" });
});
