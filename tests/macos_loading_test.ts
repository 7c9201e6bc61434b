/**
 * How the library is loaded on macOS: without /proc and without memory files. Nothing in it needs
 * macOS, so it is tested wherever the tests run.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { openEmbedded, type Ways } from "../ffi/open_embedded.ts";
import { macosWays } from "../ffi/open_macos.ts";
import { isMusl, runtime, testsOf } from "./support/harness.ts";
import { start } from "./support/processes.ts";
import { copyModules, editModule } from "./support/modules_copy.ts";
import { ours, UserProgram } from "./support/user_program.ts";

const test = testsOf(import.meta.url);

const ways: Ways = (library, file) => macosWays(library, file, "libc.so.6");

/** What is opened, the mode of its folder, and what failed before that. */
interface Opened {
  path: string;
  folderMode: number;
  failures: string;
}

function opened(file: string | undefined): Opened {
  const library = readFileSync(ours, "base64");
  const failures: unknown[] = [];
  const result = openEmbedded(
    library,
    () => file,
    (path) => {
      assertEquals(readFileSync(path, "base64"), library);
      return { path, folderMode: statSync(dirname(path)).mode & 0o777 };
    },
    (error) => failures.push(error),
    ways,
  )!;
  return { ...result, failures: failures.join("\n") };
}

/** A folder in a folder, with the library in it. */
function withLibrary(work: (file: string, folder: string) => void) {
  const outer = mkdtempSync(join(realpathSync(tmpdir()), "async-interrupt-test-"));
  try {
    const folder = join(outer, "lib");
    mkdirSync(folder);
    const file = join(folder, "library.node");
    copyFileSync(ours, file);
    chmodSync(file, 0o644);
    work(file, outer);
  } finally {
    rmSync(outer, { recursive: true });
  }
}

test("without a file the library is opened from a folder of its own, which goes at once", () => {
  const { path, folderMode, failures } = opened(undefined);
  assertEquals([folderMode, failures], [0o700, ""]);
  assertEquals(existsSync(dirname(path)), false);
});

if (runtime !== "deno") {
  test("the file beside the modules is opened itself", () =>
    withLibrary((file) => {
      assertEquals([opened(file).path, opened(file).failures], [file, ""]);
    }));

  test("a file is not opened if others can change it, or a folder on the way to it", () =>
    withLibrary((file, folder) => {
      for (const changed of [file, dirname(file), folder]) {
        const { mode } = statSync(changed);
        chmodSync(changed, mode | 0o020);
        const { path, failures } = opened(file);
        assertStringIncludes(failures, "others can change");
        assertStringIncludes(path, "async-interrupt-");
        assertEquals(existsSync(path), false);
        chmodSync(changed, mode & 0o7777);
      }
      assertEquals(opened(file).path, file);
    }));

  test("what is opened is what was looked at, whatever becomes of a link on the way to it", () =>
    withLibrary((file, folder) => {
      const open = join(folder, "open");
      mkdirSync(open);
      chmodSync(open, 0o777);
      const link = join(open, "link");
      symlinkSync(dirname(file), link);
      assertEquals(opened(join(link, "library.node")).path, file);
    }));

  test("a temporary folder in which others can replace ours is not used", () =>
    withLibrary((_file, folder) => {
      const { TMPDIR } = process.env;
      process.env.TMPDIR = folder;
      try {
        assertEquals(dirname(dirname(opened(undefined).path)), folder);
        chmodSync(folder, 0o777);
        const { path, failures } = opened(undefined);
        assertStringIncludes(failures, "others can change");
        assertEquals(dirname(dirname(path)), realpathSync("/tmp"));
        assertEquals(readdirSync(folder), ["lib"]);
      } finally {
        if (TMPDIR === undefined) delete process.env.TMPDIR;
        else process.env.TMPDIR = TMPDIR;
      }
    }));
}

/** Lets a copy of the modules load the library as on macOS. */
function editForMacos(module: string): void {
  editModule(module, "ffi/load", (text) => text.replace(/\[os\];/, "['darwin'];"));
  editModule(
    module,
    "ffi/open_macos",
    (text) => text.replace("/usr/lib/libSystem.B.dylib", "libc.so.6"),
  );
}

test("Deno needs --allow-ffi only", async () => {
  const program = new UserProgram();
  editForMacos(program.module);
  const { stdout, stderr } = await program.run(["--allow-ffi"]);
  assertEquals([stdout, stderr], ["7\n", ""]);
}, { skip: runtime !== "deno" && "there are no permissions" });

test("copies of the modules share one library with all threads", async () => {
  const extension = import.meta.url.slice(-3);
  const program = new URL(`./programs/copies${extension}`, import.meta.url);
  const modules = [copyModules(), copyModules(ours), copyModules()];
  modules.forEach(editForMacos);
  const { stdout, stderr } = await start(program, modules).ended;
  assertEquals([stdout, stderr], ["1 true\n", ""]);
}, { skip: () => isMusl() && "musl finds no loaded library by its name, as macOS does" });
