import { assertLess } from "@std/assert";
import { statSync } from "node:fs";
import process from "node:process";
import { testsOf } from "./support/harness.ts";

const test = testsOf(import.meta.url);

const target = `${process.platform}-${process.arch}`;

test("the library is under 27 KB", () => {
  assertLess(statSync(new URL(`../lib/${target}.node`, import.meta.url)).size, 27 * 1024);
}, { skip: target !== "linux-x64" && "deno task platforms --only files has the other limits" });
