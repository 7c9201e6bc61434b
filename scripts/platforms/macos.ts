import * as symbols from "../../ffi/symbols.ts";
import { build } from "../lib/build.ts";
import type { Row } from "./lib/row.ts";
import { runPython } from "./lib/python.ts";

/** What lib/macos.py prints. The pairs are how many were used, and how many there are. */
interface Result {
  passed: number;
  failures: string[];
  exports: [number, number];
  imports: [number, number];
  unused: string[];
}

/** Runs the native functions of both libraries for macOS on an emulated processor. */
export async function macos(short: boolean): Promise<Row[]> {
  const names = ["darwin-x64", "darwin-arm64"];
  await build(...names.map((name) => `-Dtarget=${name}`));
  const entries = Object.entries(symbols).filter(([, value]) => typeof value === "number");
  const { systemCalls, pipeKinds, statusErrors } = symbols;
  const input = {
    constants: Object.fromEntries(entries),
    systemCalls,
    pipeKinds,
    statusErrors,
    step: short ? 10 : 1,
  };
  const rows: Row[] = [];
  for (const name of names) {
    const result = await runPython<Result>("macos.py", `lib/${name}.node`, input);
    const { passed, failures, exports, imports, unused } = result;
    rows.push({
      name: `${name}, native functions`,
      how: "emulated",
      passed,
      failed: failures.length,
      skipped: 0,
      note: `${exports.join(" of ")} exports and ${imports.join(" of ")} imports were called` +
        (unused.length > 0 ? `, not ${unused.join(", ")}` : ""),
      output: failures.join("\n"),
    });
  }
  return rows;
}
