import { assertEquals } from "@std/assert";
import { testsOf } from "./support/harness.ts";
import { start } from "./support/processes.ts";

const test = testsOf(import.meta.url);

test(
  "random sequences of calls agree with a simple model",
  async () => {
    const program = new URL("./programs/fuzz.ts", import.meta.url);
    const ended = await start(program, [], { timeout: 50 }).ended;
    const { code, signal, hung } = ended;
    assertEquals(
      { code, signal, hung },
      { code: 0, signal: null, hung: false },
      ended.stdout + ended.stderr,
    );
  },
  { timeout: 55 },
);
