/** Where the library is loaded from. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { runtime, testsOf } from "../support/harness.ts";
import { copyModules } from "../support/modules_copy.ts";

const test = testsOf(import.meta.url);
const libraryName = `lib/win32-${process.arch}.node`;
const library = fileURLToPath(new URL(`../../${libraryName}`, import.meta.url));
const program = fileURLToPath(new URL("./programs/load.ts", import.meta.url));

interface Options {
  temp: string;
  workers?: number;
  /** How many other libraries to load before. */
  modules?: number;
}

/** Runs a program that loads the library of these modules, and prints what it finds. */
function load(module: string, { temp, workers = 0, modules = 0 }: Options) {
  return run(temp, ["-A"], [program, module, `${workers}`, `${modules}`]);
}

/**
 * Runs a program with these permissions on Deno. It names the modules in its text, because Deno
 * asks for permission to read what is imported by a computed name.
 */
function loadWith(flags: string[], module: string, temp: string) {
  const file = new URL("../uses.ts", module);
  const text = `import { Interrupt } from ${JSON.stringify(module)};
new Interrupt().signalFunc();
console.log("loaded, 0 Workers signalled");
Deno.exit();
`;
  writeFileSync(file, text);
  return run(temp, flags, [fileURLToPath(file)]);
}

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

function run(temp: string, flags: string[], args: string[]): Ended {
  const env = { ...process.env, TEMP: temp, TMP: temp } as Record<string, string>;
  if (runtime === "deno") {
    // Neither way of Node would do. Deno takes a command that starts Deno for one of Node's, and
    // allows everything; and spawn() may panic, https://github.com/tokio-rs/mio/issues/1819.
    const { code, stdout, stderr } = new Deno.Command(process.execPath, {
      args: ["run", "--no-config", "--no-check", "--no-prompt", ...flags, ...args],
      env,
    }).outputSync();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: text(stdout), stderr: text(stderr) };
  }
  const { error, status, stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: "utf8",
    env,
  });
  if (error) throw error;
  return { code: status, stdout, stderr };
}

function temporary(name = "temp"): string {
  const folder = join(mkdtempSync(join(tmpdir(), "load-")), name);
  mkdirSync(folder);
  return folder;
}

function assertLoaded({ code, stdout, stderr }: Ended, workers = 0) {
  assertEquals([code, stdout.trim()], [0, `loaded, ${workers} Workers signalled`], stderr);
}

/** The files of ours in a folder. */
function files(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.startsWith("async-interrupt-"));
}

test("the file beside the modules is loaded, and no other is written", () => {
  const temp = temporary();
  assertLoaded(load(copyModules(library), { temp }));
  assertEquals(files(temp), []);
});

test("without a file the bytes of the module are loaded from the temporary folder", () => {
  const temp = temporary("with spaces, # % ü and \u{1f600}");
  const module = copyModules();
  for (let round = 0; round < 2; round++) assertLoaded(load(module, { temp }));
  // Deno and Bun use one file for all processes.
  assertEquals(files(temp).length, runtime === "node" ? 2 : 1);
});

test("Workers share one copy, whatever file each has loaded", () => {
  assertLoaded(load(copyModules(), { temp: temporary(), workers: 4 }), 4);
});

test("Workers share one copy in a process that has many libraries", () => {
  const options = { temp: temporary(), workers: 2, modules: 600 };
  assertLoaded(load(copyModules(), options), 2);
});

test("a file of other bytes is not loaded, beside the modules or in the temporary folder", () => {
  const temp = temporary();
  const module = copyModules();
  assertLoaded(load(module, { temp }));
  const bytes = readFileSync(library);
  bytes[bytes.length - 100]! ^= 1;
  for (const name of files(temp)) writeFileSync(join(temp, name), bytes);
  assertLoaded(load(module, { temp }));
  const cut = join(temporary(), "cut.node");
  writeFileSync(cut, bytes.subarray(0, 1000));
  assertLoaded(load(copyModules(cut), { temp }));
});

test("a file that a process has left half-written is replaced", () => {
  const temp = temporary();
  const module = copyModules();
  assertLoaded(load(module, { temp }));
  const bytes = readFileSync(library);
  for (const name of files(temp)) {
    writeFileSync(join(temp, name), bytes.subarray(0, bytes.length / 2));
  }
  for (let round = 0; round < 2; round++) assertLoaded(load(module, { temp }));
  const [name, ...others] = files(temp);
  assertEquals(others, []);
  assertEquals(readFileSync(join(temp, name!)), bytes);
  // Not even this keeps the library from being loaded.
  rmSync(join(temp, name!));
  mkdirSync(join(temp, name!));
  assertLoaded(load(module, { temp }));
}, { skip: runtime === "node" && "each process writes a file of its own" });

test("where no file can be written, the error names the folder and what helps", () => {
  const temp = join(temporary(), "missing");
  const { code, stdout, stderr } = load(copyModules(), { temp });
  assert(code !== 0);
  assertStringIncludes(stdout + stderr, "LIBRARY_NOT_FOUND");
  assertStringIncludes(stdout + stderr, "missing");
  assertStringIncludes(stdout + stderr, "set TEMP to a folder");
});

const notDeno = runtime !== "deno" && "there are no permissions";

test("Deno needs --allow-ffi only", () => {
  assertLoaded(loadWith(["--allow-ffi"], copyModules(), temporary()));
}, { skip: notDeno });

test(
  "--allow-ffi=<path> of the library's file is enough, and without it the error says so",
  () => {
    const module = copyModules(library);
    const file = fileURLToPath(new URL(libraryName, module));
    const temp = temporary();
    assertLoaded(loadWith([`--allow-ffi=${file}`], module, temp));
    const { code, stdout, stderr } = loadWith([], module, temp);
    assert(code !== 0);
    assertStringIncludes(stdout + stderr, `--allow-ffi=${file}`);
  },
  { skip: notDeno },
);
