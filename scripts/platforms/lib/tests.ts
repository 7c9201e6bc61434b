import { prepareModules } from "../../lib/modules.ts";
import { removeFolder, temporaryFolder } from "../../lib/run.ts";
import { bunTests, denoTests, nodeEnv, nodeTests, runTests } from "../../lib/tests.ts";
import { transpile } from "../../lib/transpile.ts";
import { countsOf, type Row } from "./row.ts";

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
  filter?: string;
  env: Record<string, string>;
  /** What reasons to skip tests begin with that this platform has and this machine has not. */
  limit: string;
  /** Goes before the command of a runtime. */
  prefix?: string[];
}

/** Runs test files on all runtimes side by side, since each of them runs its tests one by one. */
export async function rowsOf(runtimes: Runtime[], tests: Tests): Promise<Row[]> {
  const { flags } = await prepareModules();
  await transpile();
  const reports = await temporaryFolder("async-interrupt-junit-");
  const { how, files, filter, env, limit, prefix = [] } = tests;
  const rows = await Promise.all(runtimes.map(async ({ name, kind, path }): Promise<Row> => {
    const report = `${reports}/${kind}.xml`;
    const command = { deno: denoTests, bun: bunTests, node: nodeTests }[kind]({
      path,
      files,
      report,
      filter,
      flags: ["--no-check", ...flags],
    });
    const { passed, failed, skipped, output, ok, reasons } = await runTests(
      report,
      [...prefix, ...command],
      { env: { ...nodeEnv, ...env }, timeout: 7200 },
    );
    const note = countsOf(reasons.filter((reason) => reason.startsWith(limit)));
    // A crash after the last test fails no test, so count it as one failure.
    return { name, how, passed, failed: failed || Number(!ok), skipped, note, output };
  }));
  removeFolder(reports);
  return rows;
}
