import { assertEquals, assertNotEquals } from "@std/assert";
import { cpSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { SONAME } from "../ffi/symbols.ts";
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

/** Of the same length, since it stands in the library too. */
const otherName = SONAME.replace(/[0-9](?=\.so$)/, "z");

/** Copies the modules as if they were of another version. */
function copyOtherVersion(): string {
  const module = copyModules();
  const extension = module.slice(-3);
  const rename = (text: string) => text.replaceAll(SONAME, otherName);
  const edit = (name: string, change: (text: string) => string) => {
    const file = new URL(`ffi/${name}${extension}`, module);
    writeFileSync(file, change(readFileSync(file, "utf8")));
  };
  edit("symbols", rename);
  edit("embedded", (text) =>
    text.replace(
      /(?<=": ")[^"]+/g,
      (library) => btoa(rename(atob(library))),
    ));
  return module;
}

test("without a file each version of the package has a library of its own", async () => {
  const functions: bigint[] = [];
  for (const module of [copyModules(), copyModules(), copyOtherVersion()]) {
    const { Interrupt, checkpoint } = await import(module);
    let calls = 0;
    const interrupt = new Interrupt({ callback: () => calls++ });
    functions.push(interrupt.signalFunc().func);
    interrupt.block();
    interrupt.signal();
    interrupt.unblock();
    checkpoint();
    assertEquals(calls, 1);
    interrupt.close();
  }
  assertEquals(functions[0], functions[1]);
  assertNotEquals(functions[0], functions[2]);
});

test("a library that lies outside the package is not opened", async () => {
  const module = copyModules();
  const name = `${process.platform}-${process.arch}.node`;
  const ours = new URL(`../lib/${name}`, import.meta.url);
  const outside = fileURLToPath(new URL(`../lib/${name}`, module));
  cpSync(ours, outside);
  const { Interrupt } = await import(module);
  new Interrupt().close();
  const maps = readFileSync("/proc/self/maps", "utf8");
  assertEquals(
    maps.split("\n").filter((line) => line.endsWith(realpathSync(outside))),
    [],
  );
});
