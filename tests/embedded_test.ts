import { assertEquals, assertNotEquals } from "@std/assert";
import { cpSync, readFileSync, realpathSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { SONAME } from "../ffi/symbols.ts";
import { testsOf } from "./support/harness.ts";
import { start } from "./support/processes.ts";
import { copyModules, editModule } from "./support/modules_copy.ts";

const test = testsOf(import.meta.url);

const target = `${process.platform}-${process.arch}`;
const name = `${target}.node`;
const ours = fileURLToPath(new URL(`../lib/${name}`, import.meta.url));

test("copies of the modules, with a library beside them or none, share one with all threads", async () => {
  const extension = import.meta.url.slice(-3);
  const program = new URL(`./programs/copies${extension}`, import.meta.url);
  const none = [copyModules(), copyModules()];
  const mixed = [copyModules(ours), copyModules(), copyModules(ours)];
  for (const modules of [none, mixed, mixed, mixed]) {
    const { stdout, stderr } = await start(program, modules).ended;
    assertEquals([stdout, stderr], ["1 true\n", ""]);
  }
});

/** The libraries of this package that are loaded in this process, by their memory mappings. */
function loaded(): string[] {
  const lines = readFileSync("/proc/self/maps", "utf8").split("\n");
  return lines.filter((line) => /async-interrupt-|\/memfd:async|\/lib\/[^/]*\.node/.test(line));
}

test("a copy of the modules that comes later loads no library of its own", async () => {
  const use = async (module: string) => {
    const { Interrupt } = await import(module);
    new Interrupt().close();
  };
  assertEquals(loaded(), []);
  await use(copyModules());
  const first = loaded();
  assertNotEquals(first, []);
  for (const module of [copyModules(), copyModules(ours)]) {
    await use(module);
    assertEquals(loaded(), first);
  }
});

/** Has the same length, because the name is also inside the library. */
const otherName = SONAME.replace(/[0-9](?=\.so$)/, "z");

/** Copies the modules and gives the copy another version. */
function copyOtherVersion(): string {
  const module = copyModules();
  const rename = (text: string) => text.replaceAll(SONAME, otherName);
  editModule(module, "ffi/symbols", rename);
  editModule(
    module,
    `ffi/embedded/${target}.js`,
    (text) => text.replace(/(?<=")[^"]+(?=")/, (library) => btoa(rename(atob(library)))),
  );
  return module;
}

test("without a library file each version of the package has its own library", async () => {
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
