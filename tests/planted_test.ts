/**
 * Somebody has planted libraries where ours is looked for: none of them is opened, and the program
 * still works.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Buffer } from "node:buffer";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { embedded } from "../ffi/embedded.ts";
import { openEmbedded } from "../ffi/open_embedded.ts";
import { SONAME } from "../ffi/symbols.ts";
import { type Reason, runtime, testsOf } from "./support/harness.ts";
import { type Ended, startCommand } from "./support/processes.ts";
import { editModule } from "./support/modules_copy.ts";
import { pathOf } from "./support/testkit.ts";
import { allowAll, ours, UserProgram } from "./support/user_program.ts";

const test = testsOf(import.meta.url);

const target = `${process.platform}-${process.arch}`;
/** From tests/native/planted.zig: prints on stderr that it was opened. */
const planted = pathOf(`planted-${target}.node`);
const notRoot: Reason = process.getuid!() !== 0 &&
  "only root can give files to other users";
const onlyDeno: Reason = runtime !== "deno" && "only Deno asks";

async function assertWorks(outcome: Promise<Ended>) {
  const { stdout, stderr } = await outcome;
  assertEquals([stdout, stderr], ["7\n", ""]);
}

test("this test detects a planted library that is opened", async () => {
  const program = new UserProgram();
  copyFileSync(planted, program.library);
  // Turn off the comparison.
  editModule(
    program.module,
    "ffi/symbols",
    (text) => text.replace(SONAME, program.library),
  );
  const { stderr } = await program.run(allowAll);
  assertStringIncludes(stderr, "A planted library was opened.");
});

/** Files that may lie beside the modules and must not be opened. */
const files: [what: string, place: (file: string) => void, skip?: Reason][] = [
  ["another library", (file) => copyFileSync(planted, file)],
  ["another library of the same size", (file) => {
    const bytes = readFileSync(ours).fill(0);
    readFileSync(planted).copy(bytes);
    writeFileSync(file, bytes);
  }],
  ["a symlink to another library", (file) => symlinkSync(planted, file)],
  ["a library that is cut off", (file) => {
    writeFileSync(file, readFileSync(ours).subarray(0, -1));
  }],
  ["a library with extra bytes at its end", (file) => {
    writeFileSync(file, Buffer.concat([readFileSync(ours), Buffer.of(0)]));
  }],
  ["a library that everybody can write to", (file) => {
    copyFileSync(ours, file);
    chmodSync(file, 0o646);
  }],
  ["a library that a group can write to", (file) => {
    copyFileSync(ours, file);
    chmodSync(file, 0o664);
  }],
  ["a symlink to a library that everybody can write to", (file) => {
    copyFileSync(ours, `${file}.1`);
    chmodSync(`${file}.1`, 0o666);
    symlinkSync(`${file}.1`, file);
  }],
  ["a hard link to a library that everybody can write to", (file) => {
    copyFileSync(ours, `${file}.1`);
    chmodSync(`${file}.1`, 0o666);
    linkSync(`${file}.1`, file);
  }],
  ["a library of another user, seen by root", (file) => {
    copyFileSync(ours, file);
    chownSync(file, 65534, 65534);
  }, notRoot],
  ["a FIFO", (file) => {
    execFileSync("mkfifo", [file]);
  }],
  ["a folder", (file) => {
    mkdirSync(file);
  }],
];

const identity = (file: string) => statSync(file).ino;

/**
 * Whether one of this runtime's ways to open the library would open that file. Checks that at least
 * one way opens another file.
 */
function opens(file: string): boolean {
  const opened: number[] = [];
  const attempt = (path: string) => {
    opened.push(identity(path));
    return undefined;
  };
  openEmbedded(embedded[target]!(), () => file, attempt, () => {});
  const is = opened.includes(identity(file));
  assert(opened.length > Number(is), "no way opens the embedded bytes");
  return is;
}

for (const [what, place, skip = false] of files) {
  test(`beside the modules, ${what} is not opened`, async () => {
    const program = new UserProgram();
    place(program.library);
    await assertWorks(program.run(allowAll));
    assert(!opens(program.library));
  }, { skip });
}

test("beside the modules, a library of this very build is opened, also through a link", () => {
  const program = new UserProgram();
  const link = `${program.library}.link`;
  program.placeOurs();
  symlinkSync(program.library, link);
  for (const path of [program.library, link]) {
    assertEquals(opens(path), runtime !== "deno");
  }
});

test(
  "beside the modules, a library of this user or of root is opened, one of another user is not",
  () => {
    const program = new UserProgram();
    copyFileSync(ours, program.library);
    chmodSync(program.library, 0o644);
    chmodSync(dirname(program.folder), 0o711);
    const uid = 1234;
    for (const [owner, is] of [[0, true], [uid, true], [uid + 1, false]]) {
      chownSync(program.library, Number(owner), 0);
      process.seteuid!(uid);
      try {
        assertEquals(opens(program.library), is, `owner ${owner}`);
      } finally {
        process.seteuid!(0);
      }
    }
  },
  {
    skip: notRoot ||
      !("seteuid" in process) && "the runtime has no seteuid()" ||
      runtime === "deno" &&
        "Deno opens the file only where --allow-ffi names it",
  },
);

test(
  "the file that was compared is the one that is opened, whatever has got its name since",
  () => {
    const program = new UserProgram();
    copyFileSync(ours, program.library);
    chmodSync(program.library, 0o644);
    const before = identity(program.library);
    let compared: unknown;
    const attempt = (path: string) => {
      if (identity(path) !== before) return undefined;
      rmSync(program.library);
      copyFileSync(planted, program.library);
      return compared = readFileSync(path).equals(readFileSync(ours));
    };
    openEmbedded(embedded[target]!(), () => program.library, attempt, (error) => {
      throw error;
    });
    assertEquals(compared, true);
  },
  { skip: runtime === "deno" && "Deno opens the file only by its path" },
);

test("libraries in the current folder are not opened", async () => {
  const program = new UserProgram();
  const folder = dirname(program.folder);
  plantNames(folder);
  await assertWorks(program.run(allowAll, ["env", "-C", folder]));
});

test("libraries in the folders of LD_LIBRARY_PATH are not opened", async () => {
  const program = new UserProgram();
  const folder = dirname(program.folder);
  plantNames(folder);
  rmSync(join(folder, "libc.so.6"));
  for (const path of [folder, ".", ""]) {
    const prefix = ["env", "-C", folder, `LD_LIBRARY_PATH=${path}:/nowhere`];
    await assertWorks(program.run(allowAll, prefix));
  }
});

/** Plants the library under all names that the dynamic linker could make of a bare name. */
function plantNames(folder: string) {
  for (
    const name of [
      basename(SONAME),
      SONAME,
      `${target}.node`,
      `lib/${target}.node`,
      "libc.so.6",
    ]
  ) {
    const file = join(folder, name);
    mkdirSync(dirname(file), { recursive: true });
    copyFileSync(planted, file);
  }
}

test(
  "--allow-ffi for a folder opens nothing in it, and the error says what to allow",
  async () => {
    const program = new UserProgram();
    copyFileSync(planted, program.library);
    plantNames(program.folder);
    const prefix = ["env", "-C", program.folder];
    for (const allowed of [".", program.folder, join(program.folder, "lib")]) {
      for (const read of [[], ["--allow-read"]]) {
        const flags = [`--allow-ffi=${allowed}`, ...read];
        const { stdout, stderr } = await program.run(flags, prefix);
        assertEquals(stderr, "");
        assertStringIncludes(stdout, `--allow-ffi=${program.library}`);
      }
    }
    // Following the advice helps.
    copyFileSync(ours, program.library);
    await assertWorks(program.run([`--allow-ffi=${program.library}`], prefix));
  },
  { skip: onlyDeno },
);

for (
  const flags of [
    ["--allow-ffi"],
    // With these flags Deno completes bare names with the current folder.
    ["--allow-ffi", "--deny-ffi=/nowhere", "--allow-write", "--allow-env"],
  ]
) {
  test(
    `with ${flags.join(" ")}, libraries in the current folder are not opened`,
    async () => {
      const program = new UserProgram();
      plantNames(program.folder);
      await assertWorks(program.run(flags, ["env", "-C", program.folder]));
    },
    { skip: onlyDeno },
  );
}

test("a library planted in the folder that a bundler has written into the program is not opened", async () => {
  const program = new UserProgram();
  const elsewhere = new UserProgram();
  copyFileSync(planted, elsewhere.library);
  // webpack and rspack do this with import.meta.url, and `bun build` does it with __filename.
  const here = new URL(`ffi/here${elsewhere.file.slice(-3)}`, elsewhere.module);
  editModule(
    program.module,
    "ffi/here",
    (text) => text.replace("import.meta.url", JSON.stringify(here.href)),
  );
  await assertWorks(program.run(allowAll));
});

for (const flags of [["--format=cjs"], ["--bytecode"]]) {
  test(
    `a library planted on the machine to which a bundle of bun build ${flags} was moved is not opened`,
    async () => {
      const program = new UserProgram();
      const bundles = `${program.folder}-bundle`;
      execFileSync(process.execPath, [
        "build",
        "--target=bun",
        ...flags,
        program.file,
        `--outdir=${bundles}`,
      ]);
      // The sources are gone; what lies there now was put there later.
      renameSync(program.folder, `${program.folder}-sources`);
      for (const folder of [program.folder, dirname(program.folder)]) {
        const file = join(folder, "lib", `${target}.node`);
        mkdirSync(dirname(file), { recursive: true });
        copyFileSync(planted, file);
      }
      const bundle = join(bundles, "program.js");
      await assertWorks(startCommand([process.execPath, bundle]).ended);
    },
    { skip: runtime !== "bun" && "Bun's bundler" },
  );
}
