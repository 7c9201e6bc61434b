import { assertLess } from "@std/assert";
import { statSync } from "node:fs";
import process from "node:process";
import { testsOf } from "./support/harness.ts";

const test = testsOf(import.meta.url);

test("the library is under 27 KB", () => {
  const name = `../lib/${process.platform}-${process.arch}.node`;
  assertLess(statSync(new URL(name, import.meta.url)).size, 27 * 1024);
});
