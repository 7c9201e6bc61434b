import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { EventPipe, Interrupt, InterruptError } from "../mod.ts";
import {
  assertNoMoreDescriptors,
  openDescriptors,
  runtime,
  testsOf,
} from "./harness.ts";
import { makePipe, testkit } from "./native/testkit.ts";

const test = testsOf(import.meta.url);

/** With no descriptor left to give. */
function atTheLimit<T>(body: () => T): T {
  // The next one gets this number.
  const next = testkit.eventfd();
  testkit.close(next);
  const before = testkit.descriptor_limit(next);
  try {
    assertEquals(testkit.eventfd(), -24);
    return body();
  } finally {
    testkit.descriptor_limit(before);
  }
}

/** What `body` throws, which names cause and cure. */
function assertLimited(body: () => unknown) {
  let error: unknown;
  try {
    body();
  } catch (thrown) {
    error = thrown;
  }
  assert(error instanceof InterruptError, `${body} threw ${error}`);
  assertEquals(error.code, "SYSTEM");
  assertStringIncludes(error.message, "EMFILE");
  assertStringIncludes(error.message, "ulimit -n");
}

test("the first Interrupt at the descriptor limit", async () => {
  const open = () => new Interrupt({ signal: 12 });
  // Node's event loop has its wake already.
  if (runtime === "node") atTheLimit(open).close();
  else atTheLimit(() => assertLimited(open));
  const interrupt = open();
  const next = interrupt.wait();
  testkit.kill(testkit.pid(), 12, 1);
  assertEquals(await next, 1);
});

test("everything that needs a descriptor, at the descriptor limit: EMFILE, nothing stays behind, and later it works", () => {
  const interrupt = new Interrupt({ wake: false });
  const given = makePipe();
  const pipe = new EventPipe();
  const adopted = new Interrupt({ wake: false, pipe: given });
  testkit.disposition_save(12, 12);
  const uses: (() => { close(): void } | void)[] = [
    () => new EventPipe(),
    () => new Interrupt({ wake: false, signal: 12, pipe: given }),
    () => pipe.renew(),
    () => adopted.postFork(),
    () => void interrupt.pipeFileno,
  ];
  const before = openDescriptors();
  for (const use of uses) {
    atTheLimit(() => {
      for (let round = 0; round < 10; round++) assertLimited(use);
    });
    assertEquals(testkit.disposition_same(12, 12), 1);
    assertNoMoreDescriptors(before);
  }
  for (const use of uses) use()?.close();
  // The pipe that was made on demand: an eventfd.
  assertNoMoreDescriptors(before + 1);
  pipe.signal();
  assert(pipe.wait(0));
});

test("what is open already needs no descriptor to work at the descriptor limit", async () => {
  const values: number[] = [];
  const interrupt = new Interrupt({
    signal: 12,
    callback: (value) => values.push(value),
  });
  const first = interrupt.wait();
  interrupt.signal(3);
  await first;
  const fd = interrupt.pipeFileno;
  const next = testkit.eventfd();
  testkit.close(next);
  const before = testkit.descriptor_limit(next);
  const second = interrupt.wait();
  testkit.kill(testkit.pid(), 12, 1);
  await second;
  assertEquals(values, [3, 1]);
  assertEquals(interrupt.pipeFileno, fd);
  using another = new Interrupt({ signal: 12, wake: false });
  testkit.kill_thread(testkit.tid(), 12);
  assertEquals(another.pending, 1);
  testkit.descriptor_limit(before);
});
