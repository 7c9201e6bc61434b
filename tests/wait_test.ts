import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { checkpoint, Interrupt, InterruptError } from "../mod.ts";
import { testsOf, turn } from "./support/harness.ts";
import { sendFromNative } from "./support/senders.ts";

const test = testsOf(import.meta.url);

test("`wait()` resolves with the next value", async () => {
  const interrupt = new Interrupt();
  const next = interrupt.wait();
  interrupt.signal(5);
  interrupt.signal(6);
  assertEquals(await next, 5);
});

test("`wait()` resolves with a value that the event loop handles", async () => {
  const interrupt = new Interrupt();
  const next = interrupt.wait();
  sendFromNative(interrupt, 11);
  assertEquals(await next, 11);
});

test("`wait()` resolves with what was already pending", async () => {
  const interrupt = new Interrupt();
  sendFromNative(interrupt, 12);
  assertEquals(await interrupt.wait(), 12);
});

test("`wait()` wakes the loop of a `wake: false` Interrupt", async () => {
  const interrupt = new Interrupt({ wake: false });
  const next = interrupt.wait();
  sendFromNative(interrupt, 13);
  assertEquals(await next, 13);
  sendFromNative(interrupt, 14);
  assertEquals(await interrupt.wait(), 14);
});

test("`wait()` leaves a `wake: false` Interrupt without a wake after it has settled", async () => {
  let calls = 0;
  const interrupt = new Interrupt({ wake: false, callback: () => calls++ });
  const next = interrupt.wait();
  sendFromNative(interrupt, 1);
  await next;
  sendFromNative(interrupt, 2);
  for (let i = 0; i < 20; i++) await turn();
  assertEquals(calls, 1);
});

test("`wait()` of a `wake: false` Interrupt keeps its wake after another wait has settled", async () => {
  const interrupt = new Interrupt({ wake: false });
  const controller = new AbortController();
  const aborted = interrupt.wait({ signal: controller.signal });
  const waiting = interrupt.wait();
  controller.abort();
  await assertRejects(() => aborted);
  sendFromNative(interrupt, 7);
  assertEquals(await waiting, 7);
});

test("`wait()` serves any number of waiters", async () => {
  const interrupt = new Interrupt();
  const all = Promise.all([interrupt.wait(), interrupt.wait()]);
  sendFromNative(interrupt, 15);
  assertEquals(await all, [15, 15]);
});

test("`wait()` stays pending while the Interrupt is blocked", async () => {
  const interrupt = new Interrupt();
  interrupt.block();
  let value = 0;
  const next = interrupt.wait().then((v) => value = v);
  sendFromNative(interrupt, 16);
  for (let i = 0; i < 5; i++) await turn();
  assertEquals(value, 0);
  interrupt.unblock();
  await next;
  assertEquals(value, 16);
});

test("`wait()` rejects with CLOSED when the Interrupt is closed meanwhile", async () => {
  const interrupt = new Interrupt();
  const next = interrupt.wait();
  interrupt.close();
  const error = await assertRejects(() => next, InterruptError);
  assertEquals(error.code, "CLOSED");
});

test("`wait()` resolves with the value that `close()` delivers", async () => {
  const interrupt = new Interrupt();
  interrupt.block();
  interrupt.signal(17);
  const next = interrupt.wait();
  interrupt.close();
  assertEquals(await next, 17);
});

test("`wait()` after `close()` rejects with CLOSED", async () => {
  const interrupt = new Interrupt();
  interrupt.close();
  const error = await assertRejects(() => interrupt.wait(), InterruptError);
  assertEquals(error.code, "CLOSED");
});

test("`wait()` rejects with the reason of its AbortSignal", async () => {
  const interrupt = new Interrupt();
  const reason = { why: "no more" };
  const controller = new AbortController();
  const next = interrupt.wait({ signal: controller.signal });
  controller.abort(reason);
  let caught: unknown;
  await next.catch((error) => caught = error);
  assertStrictEquals(caught, reason);
});

test("`wait()` rejects at once if its AbortSignal has already aborted", async () => {
  const interrupt = new Interrupt();
  let caught: unknown;
  await interrupt.wait({ signal: AbortSignal.abort("before") })
    .catch((error) => caught = error);
  assertEquals(caught, "before");
});

test("an aborted `wait()` takes no value from others", async () => {
  const interrupt = new Interrupt();
  const controller = new AbortController();
  const first = interrupt.wait({ signal: controller.signal });
  const second = interrupt.wait();
  controller.abort("first");
  interrupt.signal(18);
  assertEquals(await second, 18);
  assertEquals(await first.catch((error) => error), "first");
});

test("a resolved `wait()` ignores its AbortSignal", async () => {
  const interrupt = new Interrupt();
  const controller = new AbortController();
  const next = interrupt.wait({ signal: controller.signal });
  interrupt.signal(19);
  controller.abort();
  assertEquals(await next, 19);
  const listening = interrupt.wait();
  interrupt.signal(20);
  assertEquals(await listening, 20);
});

test("the async iterator returns every handled value until `close()`", async () => {
  const interrupt = new Interrupt();
  const values: number[] = [];
  const reading = (async () => {
    for await (const value of interrupt) values.push(value);
  })();
  for (const value of [1, 2, 3]) interrupt.signal(value);
  await turn();
  sendFromNative(interrupt, 4);
  checkpoint();
  await turn();
  sendFromNative(interrupt, 5);
  while (values.length < 5) await turn();
  interrupt.close();
  await reading;
  assertEquals(values, [1, 2, 3, 4, 5]);
});

test("the async iterator queues values while its consumer is busy", async () => {
  const interrupt = new Interrupt();
  const iterator = interrupt[Symbol.asyncIterator]();
  for (let value = 1; value <= 100; value++) interrupt.signal(value);
  interrupt.close();
  const values: number[] = [];
  for await (const value of iterator) values.push(value);
  assertEquals(values, Array.from({ length: 100 }, (_, i) => i + 1));
});

test("the async iterator answers several `next()` calls in order", async () => {
  const interrupt = new Interrupt();
  const iterator = interrupt[Symbol.asyncIterator]();
  const all = Promise.all([iterator.next(), iterator.next(), iterator.next()]);
  interrupt.signal(1);
  interrupt.signal(2);
  interrupt.close();
  assertEquals(await all, [
    { done: false, value: 1 },
    { done: false, value: 2 },
    { done: true, value: undefined },
  ]);
  assertEquals(await iterator.next(), { done: true, value: undefined });
});

test("leaving the loop over the async iterator ends the iterator, not the Interrupt", async () => {
  let calls = 0;
  const interrupt = new Interrupt({ callback: () => calls++ });
  const iterator = interrupt[Symbol.asyncIterator]();
  sendFromNative(interrupt, 1);
  for await (const value of iterator) {
    assertEquals(value, 1);
    break;
  }
  assertEquals(await iterator.next(), { done: true, value: undefined });
  interrupt.signal(2);
  assertEquals(calls, 2);
  assert(!interrupt.closed);
});

test("two async iterators both get every value", async () => {
  const interrupt = new Interrupt();
  const read = async (iterator: AsyncIterable<number>) => {
    const values: number[] = [];
    for await (const value of iterator) values.push(value);
    return values;
  };
  const both = Promise.all([read(interrupt), read(interrupt)]);
  for (const value of [1, 2]) interrupt.signal(value);
  interrupt.close();
  assertEquals(await both, [[1, 2], [1, 2]]);
});

test("the async iterator wakes the loop of a `wake: false` Interrupt", async () => {
  const interrupt = new Interrupt({ wake: false });
  for (const expected of [1, 2, 3]) {
    const iterator = interrupt[Symbol.asyncIterator]();
    const next = iterator.next();
    sendFromNative(interrupt, expected);
    assertEquals(await next, { done: false, value: expected });
    await iterator.return!();
  }
});
