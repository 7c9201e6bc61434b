import { prepareModules } from "../../lib/modules.ts";
import { removeFolder, run, temporaryFolder } from "../../lib/run.ts";
import { sideBySide } from "../../lib/side_by_side.ts";
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

/**
 * Runs test files on all runtimes side by side.
 *
 * @param runtimes the slowest first, so that no processor is idle at the end.
 */
export async function rowsOf(runtimes: Runtime[], tests: Tests): Promise<Row[]> {
  const { flags } = await prepareModules();
  await transpile();
  const reports = await temporaryFolder("async-interrupt-junit-");
  const { how, files, together = false, limit, prefix = [] } = tests;
  const env = { ...nodeEnv, ...tests.env };
  const tested = runtimes.map((runtime) => ({
    ...runtime,
    row: newRow(runtime.name, how),
    reasons: [] as string[],
  }));
  const work = tested.flatMap(({ kind, path, row, reasons }) => {
    if (together) {
      return files.map((file) => async () => {
        const command = [...prefix, ...fileCommand(kind, path, file, flags)];
        const start = (args: string[]) => run([...command, ...args], { env, timeout: 1200 });
        const left = await runTogether(start, row);
        reasons.push(...left.map(({ why }) => why));
      });
    }
    return [async () => {
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
    }];
  });
  // One piece more than there are processors, since some tests wait.
  await sideBySide(work, navigator.hardwareConcurrency + 1);
  removeFolder(reports);
  return tested.map(({ row, reasons }) => {
    row.note = countsOf(reasons.filter((reason) => reason.startsWith(limit)));
    return row;
  });
}
