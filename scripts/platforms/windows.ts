import { join } from "node:path";
import { build } from "../lib/build.ts";
import { prepareModules } from "../lib/modules.ts";
import { nodeVersions } from "../lib/toolchain.ts";
import { transpile } from "../lib/transpile.ts";
import versions from "../lib/versions.json" with { type: "json" };
import { write } from "../lib/write.ts";
import type { Row } from "./lib/row.ts";
import {
  getRuntime,
  installWine,
  noWine,
  type Runtime,
  runWindows,
  stopWine,
  windowsPath,
} from "./lib/wine.ts";

const url = new URL("../..", import.meta.url);
const root = Deno.realPathSync(url);
const importMap = join(root, "build/windows_import_map.json");

/** The tests of these files that are not about POSIX, and those that are about Windows. */
const files = [
  "windows/console",
  "windows/event_pipe",
  "windows/load",
  "interrupt",
  "callback",
  "block",
  "checkpoint",
  "wait",
  "worker",
  "every",
  "stale_token",
];
const filesInShort = ["windows/console", "windows/event_pipe", "interrupt"];

/** Why tests of these files are left out, and which. */
const leftOut = {
  "about POSIX signals, descriptors or threads":
    /errors of failed system calls|costs one wake|lists signals that can be hooked|own POSIX signal|hook one signal|hooks one signal|terminated (leaves|in the)|left to end|terminated with its|each .* on one signal|no descriptor|SIGTERM|there is a thread while|from one thread|takes no signals|libc's calls|no POSIX signal|hook a signal and tick|pipe becomes readable|leaves nothing behind|for another reason|share one thread|ends with the Worker|is forked|leave nothing/,
  "needs a process of its own":
    /unless set|is printed once and not|is one memory read again|survives the Worker that opened/,
  "Wine's timers are too coarse": /different periods/,
};

/** Runs the runtimes for Windows x64 under Wine 10. */
export async function windows(short: boolean): Promise<Row[]> {
  const impossible = noWine();
  if (impossible !== undefined) {
    const none = { passed: 0, failed: 0, skipped: 0 };
    return [{ name: "win32-x64", how: "impossible", ...none, note: impossible }];
  }
  await installWine();
  await prepareModules();
  await build("-Dtarget=win32-x64", "testkit");
  await transpile();
  await writeImportMap();
  const wanted: [Runtime["kind"], string][] = short ? [["node", "22"]] : [
    // npm has not every version for Windows.
    ...nodeVersions.map((major): [Runtime["kind"], string] => ["node", major]),
    ["bun", versions.bun],
    ["deno", Deno.version.deno],
  ];
  const rows: Row[] = [];
  try {
    for (const [kind, version] of wanted) {
      rows.push(await rowOf(await getRuntime(kind, version), short ? filesInShort : files));
    }
  } finally {
    await stopWine();
  }
  return rows;
}

/** A process of Windows finds no file by a URL of Linux. */
async function writeImportMap(): Promise<void> {
  const { imports } = JSON.parse(await Deno.readTextFile(join(root, "build/import_map.json")));
  const windows = Object.entries(imports as Record<string, string>)
    .map(([name, target]) => [name, target.replace(/^file:\/\//, "file:///Z:")]);
  const text = JSON.stringify({ imports: Object.fromEntries(windows) });
  await write(new URL("build/windows_import_map.json", url), text);
}

async function rowOf(runtime: Runtime, files: readonly string[]): Promise<Row> {
  const row: Row = {
    name: `win32-x64, ${runtime.name}`,
    how: "emulated",
    passed: 0,
    failed: 0,
    skipped: 0,
    note: `Wine 10; left out: ${Object.keys(leftOut).join("; ")}`,
    output: "",
  };
  for (const file of files) await runFile(runtime, file, row);
  await pressKeys(runtime, row);
  return row;
}

/** All tests of a file run in one process: Wine takes seconds to start one. */
async function runFile(runtime: Runtime, file: string, row: Row): Promise<void> {
  const pattern = Object.values(leftOut).map(({ source }) => source).join("|");
  const without = file.startsWith("windows/") ? "^$" : pattern;
  const command = [...commandOf(runtime, `tests/${file}_test`), "--in-one-process", without];
  const { output } = await runWindows(command);
  const lines = output.split(/\r?\n/);
  const count = (word: string) => lines.filter((line) => line.startsWith(word)).length;
  row.passed += count("passed: ");
  row.failed += count("failed: ");
  row.skipped += count("skipped: ");
  const isWhole = lines.includes("all");
  if (!isWhole) row.failed++;
  if (!isWhole || count("failed: ") > 0) row.output += `${file}:\n${output}\n`;
}

/** Ctrl-C on a terminal, in a loop that is busy and in one that waits. */
async function pressKeys(runtime: Runtime, row: Row): Promise<void> {
  const after = (word: string) =>
    `until grep -q '${word}' "$OUT" 2>/dev/null; do sleep 0.1; done; printf '\\003'`;
  const terminal = `${after("busy")}; ${
    after("idle")
  }; until grep -q done "$OUT"; do sleep 0.1; done`;
  const command = commandOf(runtime, "tests/windows/programs/terminal");
  const { output } = await runWindows(command, { timeout: 120, terminal });
  if (/busy[^]*idle[^]*done/.test(output)) {
    row.passed += 2;
    return;
  }
  row.failed += 2;
  row.output += `Ctrl-C on a terminal:\n${output}\n`;
}

function commandOf({ kind, path }: Runtime, module: string): string[] {
  const executable = windowsPath(path);
  if (kind === "node") return [executable, windowsPath(join(root, `build/node/${module}.js`))];
  const file = windowsPath(join(root, `${module}.ts`));
  if (kind === "bun") return [executable, file];
  const map = `--import-map=file:///Z:${importMap}`;
  return [executable, "run", "-A", "--no-config", "--no-check", map, file];
}
