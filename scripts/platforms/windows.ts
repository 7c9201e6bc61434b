import { join } from "node:path";
import { packageFolder, safepointsFolder } from "../ship/lib/package_folder.ts";
import { build } from "../lib/build.ts";
import { prepareModules } from "../lib/modules.ts";
import { type Outcome, run } from "../lib/run.ts";
import { sideBySide } from "../lib/side_by_side.ts";
import { bun, node, nodeVersions } from "../lib/toolchain.ts";
import { transpile } from "../lib/transpile.ts";
import { write } from "../lib/write.ts";
import { fileCommand } from "./lib/file_command.ts";
import { countsOf, newRow, type Row } from "./lib/row.ts";
import { runTogether } from "./lib/run_together.ts";
import {
  getRuntime,
  installWine,
  type NodeMajor,
  noWine,
  type Runtime,
  windowsPath,
  Wine,
} from "./lib/wine.ts";

const url = new URL("../..", import.meta.url);
const root = Deno.realPathSync(url);
const importMap = join(root, "build/windows_import_map.json");
/** A project that uses the package from npm. */
const project = join(root, "build/windows_project");

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
    /errors of failed system calls|costs one wake|lists signals that can be hooked|own POSIX signal|hook one signal|hooks one signal|terminated (leaves|in the)|left to end|terminated with its|each .* on one signal|no descriptor|SIGTERM|there is a thread while|from one thread|takes no signals|libc's calls|no POSIX signal|hook a signal and tick|pipe becomes readable|leaves nothing behind|for another reason|share one thread|ends with the Worker|is forked|leave nothing|survives the Worker that/,
};
const wineIsTooCoarse = { "Wine's timers are too coarse": /different periods/ };

/**
 * Of Deno, on Windows too: the end of a child process comes while Deno begins to read its output.
 * https://github.com/tokio-rs/mio/issues/1819, and Deno 2.9.6 has mio 1.0.3.
 */
const panic = {
  pattern: /panicked at .*mio.*named_pipe\.rs/,
  name: "files run again, since Deno panicked (tokio-rs/mio#1819)",
};

/** Runs the tests on Windows itself, or else under Wine 10. */
export async function windows(
  short: boolean,
  isWanted: (runtime: string) => boolean,
): Promise<Row[]> {
  return Deno.build.os === "windows"
    ? await onWindows(short, isWanted)
    : await underWine(short, isWanted);
}

/** Runs the runtimes of this machine. */
async function onWindows(
  short: boolean,
  isWanted: (runtime: string) => boolean,
): Promise<Row[]> {
  const { flags } = await prepareModules();
  await build("testkit");
  await transpile();
  const runtimes: [name: string, kind: "deno" | "bun" | "node", path: string][] = [
    ["Deno", "deno", Deno.execPath()],
    ["Bun", "bun", await bun()],
  ];
  for (const major of nodeVersions) runtimes.push([`Node ${major}`, "node", await node(major)]);
  const rows: Row[] = [];
  for (const [name, kind, path] of runtimes) {
    if (!isWanted(name)) continue;
    const row = newRow(`win32, ${name}`, "run");
    const reasons: string[] = [];
    for (const file of short ? filesInShort : files) {
      const command = fileCommand(kind, path, `tests/${file}_test.ts`, flags);
      await runFile((args) => run([...command, ...args], { timeout: 600 }), file, row, reasons);
    }
    row.note = `left out: ${countsOf(reasons)}`;
    rows.push(row);
  }
  return rows;
}

/** Runs the runtimes for Windows x64, side by side. */
async function underWine(
  short: boolean,
  isWanted: (runtime: string) => boolean,
): Promise<Row[]> {
  const impossible = noWine();
  if (impossible !== undefined) {
    const none = { passed: 0, failed: 0, skipped: 0 };
    return [{ name: "win32-x64", how: "impossible", ...none, note: impossible }];
  }
  const folder = await installWine();
  await prepareModules();
  await build("-Dtarget=win32-x64", "testkit");
  await transpile();
  await writeImportMap();
  if (!short) await installPackage();
  const all: Parameters<typeof rowOf>[1][] = short
    ? [["node", "22"]]
    : [["deno"], ["bun"], ["node", "20"], ["node", "22"], ["node", "24"], ["node", "26"]];
  const wanted = all.filter(([kind, major = ""]) => isWanted(kind + major));
  const rows: Row[] = [];
  await sideBySide(wanted.map((runtime) => async () => {
    rows.push(await rowOf(folder, runtime, short));
  }));
  return rows.sort((one, other) => one.name < other.name ? -1 : 1);
}

/** A process of Windows finds no file by a URL of Linux. */
async function writeImportMap(): Promise<void> {
  const file = `file:///Z:${join(root, "node_modules/@std/assert/mod.js")}`;
  const text = JSON.stringify({ imports: { "@std/assert": file } });
  await write(new URL("build/windows_import_map.json", url), text);
}

async function rowOf(
  folder: string,
  [kind, major]: [Runtime["kind"], NodeMajor?],
  short: boolean,
): Promise<Row> {
  const row = newRow("", "emulated");
  const reasons: string[] = [];
  const wine = await Wine.start(folder);
  try {
    const runtime = await getRuntime(wine, kind, major);
    row.name = `win32-x64, ${runtime.name}`;
    for (const file of short ? filesInShort : files) {
      const command = commandOf(runtime, `tests/${file}_test`);
      await runFile((args) => wine.run([...command, ...args]), file, row, reasons);
    }
    await pressKeys(wine, runtime, row);
    if (!short) {
      await usePackage(wine, runtime, row);
      await stopProgram(wine, runtime, row);
    }
  } finally {
    await wine.stop();
  }
  row.note = `Wine 10; left out: ${countsOf(reasons)}`;
  return row;
}

/** @param start runs the file with these arguments. */
async function runFile(
  start: (args: string[]) => Promise<Outcome>,
  file: string,
  row: Row,
  reasons: string[],
): Promise<void> {
  const patterns = { ...leftOut, ...row.how === "emulated" ? wineIsTooCoarse : {} };
  const pattern = Object.values(patterns).map(({ source }) => source).join("|");
  const again = async (args: string[]) => {
    let outcome = await start(args);
    for (let tries = 1; tries < 3 && panic.pattern.test(outcome.output); tries++) {
      reasons.push(panic.name);
      outcome = await start(args);
    }
    return outcome;
  };
  const left = await runTogether(again, row, file.startsWith("windows/") ? undefined : pattern);
  reasons.push(...left.map(({ name }) => reasonOf(name)));
}

function reasonOf(name: string): string {
  const found = Object.entries({ ...leftOut, ...wineIsTooCoarse }).find(([, pattern]) =>
    pattern.test(name)
  );
  return found === undefined ? "the runtime does not have it" : found[0];
}

/** Ctrl-C on a terminal, in a loop that is busy and in one that waits. */
async function pressKeys(wine: Wine, runtime: Runtime, row: Row): Promise<void> {
  const terminal = [pressAfter("busy"), pressAfter("idle"), after("done")].join("; ");
  const command = commandOf(runtime, "tests/windows/programs/terminal");
  const { output } = await wine.run(command, { timeout: 120, terminal });
  const words = ["busy", "idle", "done"];
  count(row, 2, words, output, "Ctrl-C on a terminal");
}

/** A shell command that waits until the program has printed this, or has ended. */
function after(text: string): string {
  return `until grep -q -e '${text}' -e '^Script done' "$OUT" 2>/dev/null; do sleep 0.1; done`;
}

function pressAfter(text: string): string {
  return `${after(text)}; printf '\\003'`;
}

/** Counts tests that print these lines in this order, each of them one but the first. */
function count(row: Row, tests: number, lines: string[], output: string, what: string): void {
  let place = 0;
  const isRight = lines.every((line) => (place = output.indexOf(line, place)) >= 0);
  row[isRight ? "passed" : "failed"] += tests;
  if (!isRight) row.output += `${what}:\n${output}\n`;
}

/** Installs the tarball as on Windows. */
async function installPackage(): Promise<void> {
  const npm = await packageFolder();
  await Deno.remove(project, { recursive: true }).catch(() => {});
  await Deno.mkdir(project, { recursive: true });
  await Deno.writeTextFile(join(project, "package.json"), "{}");
  const install = "npm install --prefer-offline --no-audit --no-fund --os=win32 --cpu=x64 ./*.tgz";
  const script = `npm pack '${npm}' '${safepointsFolder}' && ${install}`;
  const { ok, output } = await run(["sh", "-c", script], { cwd: project });
  if (!ok) throw new Error(`${script}:\n${output}`);
  const folder = new URL("program/", import.meta.url);
  const [main, worker] = await Promise.all(
    ["main.cjs", "worker.cjs"].map((name) => Deno.readTextFile(new URL(name, folder))),
  );
  const asModule = main!.replace(/const (.*) = require\((.*)\)/g, "import $1 from $2");
  const hangs = `import process from "node:process";
console.log("endless");
try { for (;;); } catch (error) { console.log(error.name); }
process.exitCode = 7;`;
  const files = {
    "main.cjs": main!,
    "main.mjs": asModule,
    "worker.cjs": worker!,
    "hangs.mjs": hangs,
  };
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(join(project, name), text);
  }
}

const steps = [
  "a Worker interrupts a busy loop",
  "EventPipe is readable until the callback",
  "press Ctrl-C",
  "Ctrl-C interrupts a busy loop",
  "ends by itself",
];

/** Requires and imports the installed package. */
async function usePackage(wine: Wine, { kind, path }: Runtime, row: Row): Promise<void> {
  for (const file of ["main.cjs", "main.mjs"]) {
    const command = [windowsPath(path), ...kind === "deno" ? ["run", "-A"] : [], file];
    const terminal = `${pressAfter("press Ctrl-C")}; ${after(steps.at(-1)!)}`;
    const { output } = await wine.run(command, { timeout: 120, terminal, cwd: project });
    count(row, 3, steps, output, `the package from npm, ${file}`);
  }
}

/** Stops a program that hangs by Ctrl-C, in the child that `run` makes of it on Windows. */
async function stopProgram(wine: Wine, { name, kind, path }: Runtime, row: Row): Promise<void> {
  // Node 20 has no hooks for modules. Bun shows plugins no file on drive Z, where this is.
  if (kind === "bun" || name === "Node 20") return;
  const run = "node_modules/async-interrupt-safepoints/esm/run.js";
  const flags = kind === "deno" ? ["run", "-A"] : [];
  const terminal = `${pressAfter("endless")}; ${after("AbortError")}`;
  const command = [windowsPath(path), ...flags, run, "hangs.mjs"];
  const { output } = await wine.run(command, { timeout: 120, terminal, cwd: project });
  // The last is of script(1).
  const lines = ["endless", "AbortError", 'EXIT_CODE="7"'];
  count(row, 1, lines, output, "Ctrl-C with `run`");
}

function commandOf({ kind, path }: Runtime, module: string): string[] {
  const executable = windowsPath(path);
  if (kind === "node") return [executable, windowsPath(join(root, `build/node/${module}.js`))];
  const file = windowsPath(join(root, `${module}.ts`));
  if (kind === "bun") return [executable, file];
  const map = `--import-map=file:///Z:${importMap}`;
  return [executable, "run", "-A", "--no-config", "--no-check", map, file];
}
