/** The errors when the library cannot be opened, and that following their advice helps. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Buffer } from "node:buffer";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { type Reason, runtime, testsOf, underQemu } from "./support/harness.ts";
import { plainCommand } from "./support/processes.ts";
import { copyModules, editModule } from "./support/modules_copy.ts";
import { allowAll, ours, UserProgram } from "./support/user_program.ts";

const test = testsOf(import.meta.url);

const onlyDeno: Reason = runtime !== "deno" && "only Deno asks";

/** Why this system cannot mount file systems for a single process. */
function noMounts(): Reason {
  try {
    execFileSync("unshare", ["-m", "true"], { stdio: "ignore" });
    return false;
  } catch {
    return "a process cannot have its own mounts here";
  }
}

for (const option of ["noexec", "ro"]) {
  test(
    `with all temporary folders mounted ${option} it works, or the error says what to do, and doing that helps`,
    async () => {
      const program = new UserProgram();
      const folder = mkdtempSync(join(tmpdir(), "mounted-"));
      const mounts = [folder, "/dev/shm", "/var/tmp"]
        .map((folder) => `mount -t tmpfs -o ${option} tmpfs ${folder}`);
      const unusable = ["unshare", "-m", "sh", "-c"];
      unusable.push(`${mounts.join(" && ")} && exec "$@"`, "sh");
      const run = (temporary: string) =>
        program.run(allowAll, [...unusable, "env", `TMPDIR=${temporary}`]);
      const { stdout, stderr } = await run(folder);
      assertEquals(stderr, "");
      if (runtime !== "node") assertEquals(stdout, "7\n");
      else {
        assertStringIncludes(stdout, `of the package at ${program.library}`);
        assertStringIncludes(stdout, "set TMPDIR to a folder that");
        assertStringIncludes(stdout, folder);
        assertEquals((await run(dirname(folder))).stdout, "7\n");
        program.placeOurs();
        assertEquals((await run(folder)).stdout, "7\n");
      }
      rmSync(folder, { recursive: true });
    },
    {
      skip: () =>
        option === "noexec" && underQemu("opens libraries on noexec mounts") || noMounts(),
    },
  );
}

test(
  "without the JIT of Bun the error says that it is needed, and nothing else",
  async () => {
    const program = new UserProgram();
    const { stdout, stderr } = await program.run([], [
      "env",
      "BUN_JSC_useJIT=0",
    ]);
    assertEquals(stderr, "");
    assertEquals(stdout.trim().split("\n").slice(1), [
      "TypeError: bun:ffi requires the JIT",
    ]);
    assertStringIncludes(stdout, "Bun needs its JIT");
  },
  {
    skip: (runtime !== "bun" || process.versions.bun!.startsWith("1.3.")) &&
      "only bun:ffi from Bun 1.4 on needs it",
  },
);

test("the error for a runtime that is too old differs from all others", async () => {
  // Node before 20.16, and 22 before 22.3, do not have it.
  Object.defineProperty(process, "getBuiltinModule", { value: undefined });
  delete (process as { getBuiltinModule?: unknown }).getBuiltinModule;
  const { Interrupt } = await import(copyModules());
  let message = "";
  try {
    new Interrupt();
  } catch (error) {
    message = (error as Error).message;
  }
  assertStringIncludes(message, "Node to 20.16");
}, { skip: runtime === "deno" && "Deno needs no such function" });

test("where this build has no library for the platform, the error says for which it has one", async () => {
  const module = copyModules();
  const target = `${process.platform}-${process.arch}`;
  const empty = (text: string) => text.replace(/"[^"]+"/, '""');
  editModule(module, `ffi/embedded/${target}.js`, empty);
  editModule(
    module,
    "ffi/embedded/win32-arm64.js",
    (text) => text.replace(/"[^"]*"/, '"TVo="'),
  );
  const { Interrupt } = await import(module);
  let caught: { code?: string; message?: string } = {};
  try {
    new Interrupt();
  } catch (error) {
    caught = error as typeof caught;
  }
  assertEquals(caught.code, "UNSUPPORTED");
  assertMatch(caught.message!, RegExp(`none for ${target}, only for (?!.*${target}).*win32-arm64`));
});

/** Files that the dynamic linker refuses. */
const broken: [what: string, change: (bytes: Buffer) => Uint8Array][] = [
  ["is empty", () => new Uint8Array()],
  ["is cut off", (bytes) => bytes.subarray(0, 1000)],
  ["is no library", (bytes) => bytes.fill("no")],
  // e_machine of the ELF header: a SPARC.
  ["is for another processor", (bytes) => bytes.fill(2, 18, 19)],
];
for (const [what, change] of broken) {
  test(
    `if the library that --allow-ffi names ${what}, the error names the file, and replacing it helps`,
    async () => {
      const program = new UserProgram();
      writeFileSync(program.library, change(readFileSync(ours)));
      const flags = [`--allow-ffi=${program.library}`];
      const { stdout, stderr } = await program.run(flags);
      assertEquals(stderr, "");
      assertStringIncludes(stdout, `of the package at ${program.library}, or allow`);
      program.placeOurs();
      assertEquals((await program.run(flags)).stdout, "7\n");
    },
    {
      skip: onlyDeno ||
        // SIGBUS, as with any library. Only --allow-read would let us look into the file before.
        what === "is cut off" && "it ends the process, inside the dynamic linker",
    },
  );
  test(`if the library in the package ${what}, the one in the module is used`, async () => {
    const program = new UserProgram();
    writeFileSync(program.library, change(readFileSync(ours)));
    const { stdout, stderr } = await program.run(allowAll);
    assertEquals([stdout, stderr], ["7\n", ""]);
  });
}

const hasPermissionModel = runtime === "node" &&
  process.allowedNodeEnvironmentFlags.has("--permission");

test(
  "where the package has no file for the platform, none is opened, and no error tells to use one",
  async () => {
    const program = new UserProgram();
    editModule(
      program.module,
      "ffi/embedded",
      (text) => text.replace("Object.keys(embedded)", "[]"),
    );
    const errorWith = async (...flags: string[]) => {
      const { stdout, stderr } = await program.run(flags);
      assertEquals(stderr, "");
      assertEquals(/\blib\//.test(stdout.split("\n")[0]!), false, stdout);
      return stdout;
    };
    if (runtime === "deno") {
      assertStringIncludes(await errorWith(), "Deno needs --allow-ffi\n");
      const named = await errorWith(`--allow-ffi=${program.library}`);
      assertStringIncludes(named, "allow --allow-ffi whole");
      assertEquals((await program.run(["--allow-ffi"])).stdout, "7\n");
      return;
    }
    const flags = ["--permission", "--no-warnings", "--allow-addons", "--allow-fs-read=*"];
    const error = await errorWith(...flags);
    // Others may have put one there.
    assertEquals(error.includes(program.library), false, error);
    const [, write] = /(--allow-fs-write=\S+)/.exec(error)!;
    assertEquals((await program.run([...flags, write!])).stdout, "7\n");
  },
  { skip: runtime !== "deno" && !hasPermissionModel && "there are no permissions" },
);

test("without HOME and all other variables it works", async () => {
  const program = new UserProgram();
  const { stdout, stderr } = await program.run(allowAll, ["env", "-i"]);
  assertEquals([stdout, stderr], ["7\n", ""]);
}, { skip: underQemu("finds libc by a variable") });

test(
  "where Node may not read the library, the error names the flag, and adding it helps",
  async () => {
    const program = new UserProgram();
    program.placeOurs();
    const flags = ["--no-warnings", "--permission", "--allow-addons"];
    for (const file of [program.file, ...program.modules()]) {
      flags.push(`--allow-fs-read=${file}`);
    }
    const { stdout, stderr } = await program.run(flags);
    assertEquals(stderr, "");
    const flag = `--allow-fs-read=${program.library}`;
    assertStringIncludes(stdout, `Node's permission model needs ${flag}\n`);
    assertEquals((await program.run([...flags, flag])).stdout, "7\n");
  },
  {
    skip: !(runtime === "node" &&
      process.allowedNodeEnvironmentFlags.has("--permission")) &&
      "only Node 22 and later have this permission model",
  },
);

/**
 * Runs the program on a terminal where the user gives this answer each time Deno asks. Returns what
 * the terminal shows, and how often Deno asked.
 */
function onTerminal(
  program: UserProgram,
  flags: string[],
  answer: string,
): Promise<[string, number]> {
  const command = [...plainCommand(flags), program.file]
    .filter((word) => word !== "--no-prompt")
    .map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  const child = spawn("script", ["-qec", command, "/dev/null"]);
  let text = "";
  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (chunk: string) => text += chunk);
  // Before Deno asks, it discards typed input until none has arrived for 100 ms.
  const typing = setInterval(() => child.stdin.write(`${answer}\n`), 500);
  child.stdin.on("error", () => {});
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => {
      clearInterval(typing);
      resolve([text, text.split("Allow?").length - 1]);
    });
  });
}

/** Why script(1) of util-linux, which runs a command on a terminal of its own, is missing. */
function noScript(): Reason {
  if (onlyDeno) return onlyDeno;
  try {
    execFileSync("script", ["-qec", "true", "/dev/null"], { stdio: "ignore" });
    return false;
  } catch {
    return "no script(1)";
  }
}

test(
  "Deno asks the user once, and after a no the error says what is needed",
  async () => {
    const [text, asked] = await onTerminal(new UserProgram(), [], "n");
    assertEquals(asked, 1, text);
    assertStringIncludes(text, "Deno needs --allow-ffi");
  },
  { skip: noScript },
);

test("Deno asks the user once, and after a yes it works", async () => {
  const [text, asked] = await onTerminal(new UserProgram(), [], "y");
  assertEquals(asked, 1, text);
  assertStringIncludes(text, "7\r\n");
}, { skip: noScript });

test(
  "Deno does not ask the user if --allow-ffi names the library",
  async () => {
    const program = new UserProgram();
    program.placeOurs();
    const flags = [`--allow-ffi=${program.library}`];
    const [text, asked] = await onTerminal(program, flags, "n");
    assertEquals(asked, 0, text);
    assertStringIncludes(text, "7\r\n");
  },
  { skip: noScript },
);

test(
  "Deno does not ask the user for the temporary folders if memory cannot be used",
  async () => {
    const flags = ["--allow-ffi", "--deny-ffi=/nowhere"];
    const [text, asked] = await onTerminal(new UserProgram(), flags, "n");
    assertEquals(asked, 0, text);
    assertStringIncludes(text, "--allow-write");
  },
  { skip: noScript },
);

test(
  "if the library that --allow-ffi names does not exist, the error says what to do, and doing that helps",
  async () => {
    const program = new UserProgram();
    const flags = [`--allow-ffi=${program.library}`];
    const { stdout, stderr } = await program.run(flags);
    assertEquals(stderr, "");
    assertStringIncludes(
      stdout,
      `of the package at ${program.library}, or allow`,
    );
    program.placeOurs();
    assertEquals((await program.run(flags)).stdout, "7\n");
  },
  { skip: onlyDeno },
);
