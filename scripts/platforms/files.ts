import { SONAME, symbols } from "../../ffi/symbols.ts";
import { build } from "../lib/build.ts";
import { runPython } from "./lib/python.ts";
import type { Row } from "./lib/row.ts";

/**
 * How many bytes each library may have. linux-x64 had 22 KB before `interruptible()` (23), `once`
 * (26) and SQLite (27): each is native code that every platform has. The files for macOS are padded
 * to pages, which are 16 KB on arm64.
 */
const limits: Record<string, number> = {
  "linux-x64": 27 * 1024,
  "linux-arm64": 30 * 1024,
  "darwin-x64": 43 * 1024,
  "darwin-arm64": 71 * 1024,
  "win32-x64": 32 * 1024,
  "win32-arm64": 34 * 1024,
};

/** What lib/files.py prints. */
interface Result {
  passed: number;
  wrong: string[];
  size: number;
}

/** Reads each built library: format, exports, imports, signature, size. */
export async function files(): Promise<Row[]> {
  await build("--all");
  const exports = Object.keys(symbols).map((name) => `ai_${name}`);
  exports.push("napi_register_module_v1", "sqlite3_extension_init");
  const rows: Row[] = [];
  for (const [name, limit] of Object.entries(limits)) {
    const [os, cpu] = name.split("-");
    const expected = { os, cpu, exports, limit, soname: SONAME };
    const result = await runPython<Result>("files.py", `lib/${name}.node`, expected);
    rows.push({
      name: `${name}, the file`,
      how: "compiled",
      passed: result.passed,
      failed: result.wrong.length,
      skipped: 0,
      note: `${result.size} bytes of ${limit}`,
      output: result.wrong.join("\n"),
    });
  }
  return rows;
}
