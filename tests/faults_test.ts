import { assertEquals, assertStringIncludes } from "@std/assert";
import { readdirSync, readFileSync } from "node:fs";
import { callsOf, cannotFail } from "./support/fault_calls.ts";
import { inject, observe } from "./support/fault_injection.ts";
import { scenarios } from "./support/fault_scenarios.ts";
import { isMusl, runtime, testsOf } from "./support/harness.ts";
import { Faulty } from "./support/faulty.ts";
import { testkit } from "./support/testkit.ts";

const test = testsOf(import.meta.url);

/** Each fault of the first scenario loads a library of its own, which takes a key. */
const tooFewKeys = () => isMusl() && "musl has 128 keys of pthread_key_create(3)";

for (const scenario of scenarios) {
  test(
    `any system call may fail: ${scenario.name}`,
    () => inject(scenario),
    { timeout: 120, skip: scenario === scenarios[0] && tooFewKeys },
  );
}

test("every system call that the library makes has failed", async () => {
  const made = new Set<string>();
  for (const scenario of scenarios) {
    for (const name of (await observe(scenario)).made.keys()) made.add(name);
  }
  assertEquals([...made].sort(), callsOf(runtime).sort());
}, { timeout: 60 });

test("every system call in the library's source is made to fail", () => {
  const source = ["zig-src", "zig-src/platform", "zig-src/signal"].flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith(".zig"))
      .map((name) => readFileSync(`${folder}/${name}`, "utf8"))
  ).join();
  const names = source.matchAll(/(?<!@)\bcall(?:Function)?\(\s*\.(\w+)/g);
  const made = new Set(Array.from(names, ([, name]) => name));
  made.delete(cannotFail);
  assertEquals([...made].sort(), callsOf().sort());
});

test("signalling reports memory that the kernel cannot provide, and does not wait for it", async () => {
  const faulty = new Faulty();
  const { checkpoint, Interrupt } = await faulty.modules();
  const errors: unknown[] = [];
  Interrupt.onError = (error) => errors.push(error);
  const values: number[] = [];
  const interrupt = new Interrupt({
    wake: false,
    callback: (value) => values.push(value),
  });
  void interrupt.pipeFileno;
  const { func, arg } = interrupt.signalFunc();
  faulty.failAll("write", "ENOMEM");
  testkit.call_value(func, arg, 7);
  checkpoint();
  assertEquals([values, errors.length], [[7], 1]);
  assertStringIncludes(String(errors[0]), "ENOMEM");
  faulty.count();
  interrupt.close();
});
