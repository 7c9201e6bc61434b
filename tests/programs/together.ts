/** Tests that run in one process, for harness_test.ts. */

import { testsOf } from "../support/harness.ts";

const test = testsOf(import.meta.url);

test("passes", () => {});
test("fails", () => {
  throw new Error("on purpose");
});
test("needs its own", () => {}, { alone: true });
test("hangs", () => new Promise(() => {}), { timeout: 0.5 });
test("comes later", () => {});
