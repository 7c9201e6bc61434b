import { prepareModules } from "../../lib/modules.ts";
import { removeFolder, run, temporaryFolder } from "../../lib/run.ts";
import { bunTests, denoTests, nodeEnv, nodeTests, runTests } from "../../lib/tests.ts";
import { transpile } from "../../lib/transpile.ts";
import { fileCommand } from "./file_command.ts";
import { addPrinted, inOneProcess } from "./in_one_process.ts";
import { countsOf, newRow, type Row } from "./row.ts";

/** A runtime on which the tests run. */
export interface Runtime {
  /** For the table. */
  name: string;
  kind: "deno" | "bun" | "node";
  path: string;
}

/** How {@linkcode rowsOf} runs tests. */
export interface Tests {
  how: Row["how"];
  files: string[];
  /** Those whose tests run in one process. Default none: each test has a process of its own. */
  together?: readonly string[];
  env: Record<string, string>;
  /** What reasons to skip tests begin with that this platform has and this machine has not. */
  limit: string;
  /** Goes before the command of a runtime. */
  prefix?: string[];
}

/** Runs test files on all runtimes side by side: Bun runs its tests one by one. */
export async function rowsOf(runtimes: Runtime[], tests: Tests): Promise<Row[]> {
  const { flags } = await prepareModules();
  await transpile();
  const reports = await temporaryFolder("async-interrupt-junit-");
  const { how, files, together = [], limit, prefix = [] } = tests;
  const env = { ...nodeEnv, ...tests.env };
  const rows = await Promise.all(runtimes.map(async ({ name, kind, path }): Promise<Row> => {
    const row = newRow(name, how);
    const reasons: string[] = [];
    for (const file of files.filter((file) => together.includes(file))) {
      const command = [...prefix, ...fileCommand(kind, path, file, flags), ...inOneProcess()];
      const { output } = await run(command, { env, timeout: 900 });
      reasons.push(...addPrinted(row, file, output).map(({ why }) => why));
    }
    const rest = files.filter((file) => !together.includes(file));
    if (rest.length > 0) {
      const report = `${reports}/${kind}.xml`;
      const command = { deno: denoTests, bun: bunTests, node: nodeTests }[kind]({
        path,
        files: rest,
        report,
        flags: ["--no-check", ...flags],
      });
      const ran = await runTests(report, [...prefix, ...command], { env, timeout: 7200 });
      row.passed += ran.passed;
      // A crash after the last test fails no test, so count it as one failure.
      row.failed += ran.failed || Number(!ran.ok);
      row.skipped += ran.skipped;
      if (!ran.ok) row.output += ran.output;
      reasons.push(...ran.reasons);
    }
    row.note = countsOf(reasons.filter((reason) => reason.startsWith(limit)));
    return row;
  }));
  removeFolder(reports);
  return rows;
}
