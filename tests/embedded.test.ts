import { assertEquals } from "@std/assert";
import { start, testsOf } from "./harness.ts";
import { copyModules } from "./modules_copy.ts";

const test = testsOf(import.meta.url);

test("without a file the library comes from the module, one copy for all threads", async () => {
  const module = copyModules();
  const extension = import.meta.url.slice(-3);
  const program = new URL(`./programs/copies${extension}`, import.meta.url);
  for (let round = 0; round < 3; round++) {
    const { stdout, stderr } = await start(program, [module]).ended;
    assertEquals([stdout, stderr], ["1 true\n", ""]);
  }
});
