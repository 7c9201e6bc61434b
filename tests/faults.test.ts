import { assertEquals } from "@std/assert";
import { calls, inject, observe, scenarios } from "./fault_injection.ts";
import { testsOf } from "./harness.ts";

const test = testsOf(import.meta.url);

for (const scenario of scenarios) {
  test(
    `any system call may fail: ${scenario.name}`,
    () => inject(scenario),
    { timeout: 120 },
  );
}

test("every system call that the library makes has failed", async () => {
  const made = new Set<string>();
  for (const scenario of scenarios) {
    for (const name of (await observe(scenario)).made.keys()) made.add(name);
  }
  assertEquals([...made].sort(), [...calls].sort());
}, { timeout: 60 });
