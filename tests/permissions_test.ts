/** The permissions that Deno and Node need, and the errors without them. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { runtime, testsOf } from "./support/harness.ts";
import { plainCommand, startCommand } from "./support/processes.ts";

const register = testsOf(import.meta.url);

function test(name: string, body: () => Promise<void>) {
  register(name, body, { skip: runtime !== "deno" && "only Deno asks" });
}

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const program = path(`./programs/permissions${import.meta.url.slice(-3)}`);
const library = path(`../lib/${process.platform}-${process.arch}.node`);

async function outcome(flags: string[], ...args: string[]): Promise<string> {
  const command = [...plainCommand(flags), program, ...args];
  const { stdout, stderr } = await startCommand(command).ended;
  assertEquals(stderr, "");
  return stdout;
}

test("--allow-ffi is all that is needed", async () => {
  assertEquals(await outcome(["--allow-ffi"]), "memory\n");
});

test("--allow-ffi for the library's path is enough, and as fast", async () => {
  assertEquals(await outcome([`--allow-ffi=${library}`]), "memory\n");
});

test("without a view of native memory everything works by calls", async () => {
  assertEquals(await outcome(["--allow-ffi"], "blind"), "call\n");
});

test("without permission the error names the one that is missing", async () => {
  const refused = await outcome([]);
  assertStringIncludes(refused, "LIBRARY_NOT_FOUND");
  assertStringIncludes(refused, "Deno needs --allow-ffi");
});

// Older versions use another flag for the permission model.
const hasPermissionModel = runtime === "node" &&
  process.allowedNodeEnvironmentFlags.has("--permission");

for (const addons of [true, false]) {
  const what = addons
    ? "with Node's permission model --allow-addons and reading are all that is needed"
    : "without --allow-addons the error names it";
  register(what, async () => {
    const flags = ["--permission", "--allow-fs-read=*"];
    if (addons) flags.push("--allow-addons");
    const command = [process.execPath, "--no-warnings", ...flags, program];
    const { stdout, stderr } = await startCommand(command).ended;
    assertEquals(stderr, "");
    if (addons) return assertEquals(stdout, "memory\n");
    assertStringIncludes(stdout, "LIBRARY_NOT_FOUND");
    assertStringIncludes(
      stdout,
      "Node's permission model needs --allow-addons",
    );
    assert(!stdout.includes("Deno"), stdout);
  }, {
    skip: !hasPermissionModel &&
      "only Node 22 and later have this permission model",
  });
}
