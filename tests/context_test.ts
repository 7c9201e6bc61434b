import { assertEquals } from "@std/assert";
import { testsOf } from "./support/harness.ts";
import { start } from "./support/processes.ts";

const test = testsOf(import.meta.url);

test("a callback runs in the AsyncLocalStorage context of its caller, or in none from the event loop, and no context is kept alive", async () => {
  const program = start(new URL("./programs/context.ts", import.meta.url));
  const { code, stdout, stderr } = await program.ended;
  assertEquals(code, 0, stderr);
  assertEquals(JSON.parse(stdout), []);
});
