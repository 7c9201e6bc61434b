import { prepareModules } from "../../lib/modules.ts";
import { removeFolder, run, temporaryFolder } from "../../lib/run.ts";
import { bunTests, denoTests, nodeEnv, nodeTests, runTests } from "../../lib/tests.ts";
import { transpile } from "../../lib/transpile.ts";
import { fileCommand } from "./file_command.ts";
import { countsOf, newRow, type Row } from "./row.ts";
import { runTogether } from "./run_together.ts";

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
  /** The tests of a file run in one process, because to start one takes seconds. */
  together?: boolean;
  env: Record<string, string>;
  /** What reasons to skip tests begin with that this platform has and this machine has not. */
  limit: string;
  /** Goes before the command of a runtime. */
  prefix?: string[];
}

/** Runs test files on all runtimes side by side. */
export async function rowsOf(runtimes: Runtime[], tests: Tests): Promise<Row[]> {
  const { flags } = await prepareModules();
  await transpile();
  const reports = await temporaryFolder("async-interrupt-junit-");
  const { how, files, together = false, limit, prefix = [] } = tests;
  const env = { ...nodeEnv, ...tests.env };
  const rows = await Promise.all(runtimes.map(async ({ name, kind, path }): Promise<Row> => {
    const row = newRow(name, how);
    const reasons: string[] = [];
    if (together) {
      for (const file of files) {
        const command = [...prefix, ...fileCommand(kind, path, file, flags)];
        const start = (args: string[]) => run([...command, ...args], { env, timeout: 600 });
        const left = await runTogether(start, row);
        reasons.push(...left.map(({ why }) => why));
      }
    } else {
      const report = `${reports}/${kind}.xml`;
      const command = { deno: denoTests, bun: bunTests, node: nodeTests }[kind]({
        path,
        files,
        report,
        flags: ["--no-check", ...flags],
      });
      const ran = await runTests(report, [...prefix, ...command], { env, timeout: 7200 });
      row.passed = ran.passed;
      // A crash after the last test fails no test, so count it as one failure.
      row.failed = ran.failed || Number(!ran.ok);
      row.skipped = ran.skipped;
      if (!ran.ok) row.output = ran.output;
      reasons.push(...ran.reasons);
    }
    row.note = countsOf(reasons.filter((reason) => reason.startsWith(limit)));
    return row;
  }));
  removeFolder(reports);
  return rows;
}
