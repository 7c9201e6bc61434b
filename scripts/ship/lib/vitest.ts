import config from "../../../deno.json" with { type: "json" };
import { writeHangingProject } from "../../lib/hanging_project.ts";
import { run } from "../../lib/run.ts";
import versions from "../../lib/versions.json" with { type: "json" };
import type { Cell } from "./cell.ts";
import type { NpmRegistry } from "./npm_registry.ts";
import { runtimes } from "./runtimes.ts";
import { script } from "./script.ts";

const { vitest } = versions.plugins;

/** The configuration in the README. */
const [, configuration = ""] = /^\/\/ vitest\.config\.ts\n([^]*?)^```$/m.exec(
  await Deno.readTextFile(new URL("../../../safepoints/README.md", import.meta.url)),
) ?? [];

const files = {
  "vitest.config.ts": configuration,
  // The first lines are gone when it runs: the place of the loop is that of the source.
  "queue.ts": `export interface Queue {
  items: number[];
}

export function drain(queue: Queue): number {
  let sum = 0;
  while (queue.items.length > 0) {
    sum += queue.items[0]!;
  }
  return sum;
}
`,
  "queue.test.ts": `import { hang } from "hangs";
import { expect, test } from "vitest";
import { drain } from "./queue.ts";

test("before them", () => expect(drain({ items: [] })).toBe(0));
test("in the project", () => expect(drain({ items: [1] })).toBe(1));
test("in a dependency", async () => {
  await null;
  hang({});
});
test("waits", { timeout: 20 }, async () => await new Promise(() => {}));
test("again", { retry: 1, timeout: 20 }, ({ task }) => {
  if (task.result.retryCount === 0) for (;;);
});
test("after them", () => expect(drain({ items: [] })).toBe(0));
`,
};

/** The result of each test, and the place at which its stack begins. */
const expected: Record<string, string> = {
  "before them": "passed",
  "in the project": "failed: Test timed out in 1000ms, in the loop queue.ts:7:3",
  "in a dependency": "failed: Test timed out in 1000ms, in the loop node_modules/hangs/index.js:6",
  "waits": "failed: Test timed out in 20ms. ",
  "again": "passed",
  "after them": "passed",
};

/** Tests that hang, in a fresh project, in processes and in threads. */
export async function vitestCells(registry: NpmRegistry, root: string): Promise<Cell[]> {
  const folder = `${root}/vitest`;
  await Deno.mkdir(folder);
  const dependencies = {
    "async-interrupt": config.version,
    "async-interrupt-safepoints": config.version,
    vitest,
    vite: config.imports.vite.replace(/.*@/, ""),
  };
  const json = JSON.stringify({ type: "module", dependencies });
  await Deno.writeTextFile(`${folder}/package.json`, json);
  const flags = ["--no-audit", "--no-fund", "--prefer-offline", `--registry=${registry.url}`];
  const { ok, output } = await run([script("npm"), "install", ...flags], {
    cwd: folder,
    timeout: 300,
  });
  if (!ok) throw new Error(output);
  await writeHangingProject(folder);
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${folder}/${name}`, text);
  }
  const cells: Cell[] = [];
  for (const pool of ["forks", "threads"]) {
    const way = `safepoints: Vitest with the plugin, tests that hang, ${pool}`;
    for (const [where, start] of Object.entries(runtimes)) {
      if (!/^Node 2[46]/.test(where)) {
        const why = where === "Node 22" ? "tried on Node 24 and 26" : "it needs Node 22.12";
        cells.push({ way, where, how: "impossible", why });
        continue;
      }
      cells.push({ way, where, how: "run", failure: await failureOf(start, pool, folder) });
    }
  }
  return cells;
}

async function failureOf(start: string[], pool: string, folder: string) {
  const { output } = await run([
    ...start,
    "node_modules/vitest/vitest.mjs",
    ...["run", `--pool=${pool}`, "--reporter=json", "--outputFile=report.json"],
  ], { cwd: folder, env: { INTERRUPT_SAFEPOINTS_CACHE: `${folder}/cache` }, timeout: 120 });
  const report = await Deno.readTextFile(`${folder}/report.json`).then(JSON.parse, () => undefined);
  if (report === undefined) return output;
  await Deno.remove(`${folder}/report.json`);
  const tests = report.testResults[0].assertionResults as {
    title: string;
    status: string;
    failureMessages: string[];
  }[];
  const found = tests.map(({ title, status, failureMessages: [message] }) => {
    return [title, message === undefined ? status : `${status}: ${shortOf(message, folder)}`];
  });
  const wrong = found.filter(([title, what]) => !what!.startsWith(expected[title!]!));
  const all = found.length === Object.keys(expected).length;
  return all && wrong.length === 0 ? undefined : `${JSON.stringify(found, null, 2)}\n${output}`;
}

/** The start of a message, and the first place in its stack. */
function shortOf(message: string, folder: string): string {
  const what = /Test timed out in \d+ms(?:, in the loop|\.)/.exec(message)?.[0] ?? message;
  const place = new RegExp(`${folder}/([^)\\s]*)`).exec(message)?.[1];
  return `${what} ${place}`;
}
