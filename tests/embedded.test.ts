import { assertEquals } from "@std/assert";
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { start, testsOf } from "./harness.ts";

const test = testsOf(import.meta.url);

/** The modules, without a library beside them, as JSR and bundlers have them. */
function withoutLibrary(): { folder: string; module: string } {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), "embedded-test-"));
  for (const name of readdirSync(root)) {
    if (/\.[jt]s$|^ffi$|^package\.json$/.test(name)) {
      cpSync(join(root, name), join(folder, name), { recursive: true });
    }
  }
  const extension = import.meta.url.slice(-3);
  return {
    folder,
    module: pathToFileURL(join(folder, `mod${extension}`)).href,
  };
}

test("without a file the library comes from the module, one copy for all threads", async () => {
  const { folder, module } = withoutLibrary();
  const extension = import.meta.url.slice(-3);
  try {
    const program = new URL(`./programs/copies${extension}`, import.meta.url);
    for (let round = 0; round < 3; round++) {
      const { stdout, stderr } = await start(program, [module]).ended;
      assertEquals([stdout, stderr], ["1 true\n", ""]);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
