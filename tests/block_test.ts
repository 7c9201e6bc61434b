import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { checkpoint, Interrupt, InterruptError } from "../mod.ts";
import { testsOf, turn, until } from "./support/harness.ts";
import { testkit } from "./support/testkit.ts";
import { recorder } from "./support/recorder.ts";
import { sendFromNative } from "./support/senders.ts";

const test = testsOf(import.meta.url);

test("`block()` holds the callback back from `signal()`, `handle()` and `checkpoint()`", () => {
  const { interrupt, values } = recorder();
  interrupt.block();
  assertStrictEquals(interrupt.blocked, true);
  interrupt.signal(3);
  interrupt.handle();
  checkpoint();
  assertEquals(values, []);
  assertEquals([interrupt.pending, interrupt.buffer[0]], [3, 3]);
  interrupt.unblock();
  assertEquals(values, [3]);
  assertStrictEquals(interrupt.blocked, false);
});

test("`block()` holds the callback back from the event loop", async () => {
  const { interrupt, values } = recorder();
  const other = new Interrupt();
  const { func, arg } = other.signalFunc();
  interrupt.block();
  sendFromNative(interrupt, 6);
  const woken = other.wait();
  testkit.call_value(func, arg, 1);
  await woken;
  for (let i = 0; i < 5; i++) await turn();
  assertEquals(values, []);
  interrupt.unblock();
  assertEquals(values, [6]);
});

test("nested blocks run the callback once, when the outermost block ends", () => {
  const { interrupt, values } = recorder();
  interrupt.block();
  interrupt.block();
  interrupt.block();
  sendFromNative(interrupt, 1);
  interrupt.signal(2);
  sendFromNative(interrupt, 3);
  interrupt.unblock();
  checkpoint();
  interrupt.unblock();
  checkpoint();
  assertEquals(values, []);
  interrupt.unblock();
  assertEquals(values, [3]);
  checkpoint();
  assertEquals(values, [3]);
});

test("`unblock()` runs nothing when nothing is pending", () => {
  const { interrupt, values } = recorder();
  interrupt.block();
  interrupt.unblock();
  assertEquals(values, []);
});

test("an Interrupt that was scanned while blocked hears signals again after `unblock()`", async () => {
  const { interrupt, values } = recorder();
  interrupt.block();
  sendFromNative(interrupt, 1);
  checkpoint();
  interrupt.unblock();
  assertEquals(values, [1]);
  sendFromNative(interrupt, 2);
  checkpoint();
  assertEquals(values, [1, 2]);
  sendFromNative(interrupt, 3);
  await until(() => values.length > 2);
});

test("blocking one Interrupt leaves the others alone", () => {
  const a = recorder();
  const b = recorder();
  a.interrupt.block();
  sendFromNative(a.interrupt, 1);
  sendFromNative(b.interrupt, 2);
  checkpoint();
  assertEquals([a.values, b.values], [[], [2]]);
});

test("`scopeBlock()` unblocks at the end of the scope", () => {
  const { interrupt, values } = recorder();
  {
    using _scope = interrupt.scopeBlock();
    interrupt.signal(5);
    assertEquals(values, []);
  }
  assertEquals(values, [5]);
});

test("`scopeBlock()` unblocks when an exception leaves the scope", () => {
  const { interrupt, values } = recorder();
  assertThrows(
    () => {
      using _scope = interrupt.scopeBlock();
      interrupt.signal(5);
      throw new Error("out");
    },
    Error,
    "out",
  );
  assertEquals(values, [5]);
  assertStrictEquals(interrupt.blocked, false);
});

test("`scopeBlock()` nests with `block()`", () => {
  const { interrupt, values } = recorder();
  interrupt.block();
  {
    using _outer = interrupt.scopeBlock();
    using _inner = interrupt.scopeBlock();
    interrupt.signal(8);
  }
  assertEquals(values, []);
  interrupt.unblock();
  assertEquals(values, [8]);
});

test("`scopeBlock()` unblocks once, even if it is disposed twice", () => {
  const { interrupt } = recorder();
  interrupt.block();
  const scope = interrupt.scopeBlock();
  scope[Symbol.dispose]();
  scope[Symbol.dispose]();
  assertStrictEquals(interrupt.blocked, true);
  interrupt.unblock();
  assertStrictEquals(interrupt.blocked, false);
});

test("one `unblock()` too many throws, and later signals are still delivered", () => {
  const { interrupt, values } = recorder();
  const error = assertThrows(() => interrupt.unblock(), InterruptError);
  assertEquals(error.code, "UNBALANCED_UNBLOCK");
  interrupt.signal(1);
  interrupt.block();
  interrupt.unblock();
  assertThrows(() => interrupt.unblock(), InterruptError);
  sendFromNative(interrupt, 2);
  checkpoint();
  assertEquals(values, [1, 2]);
});

test("`blockFunc()` and `unblockFunc()` block and unblock from native code", () => {
  const { interrupt, values } = recorder();
  const block = interrupt.blockFunc();
  const unblock = interrupt.unblockFunc();
  testkit.call(block.func, block.arg);
  assertStrictEquals(interrupt.blocked, true);
  interrupt.block();
  sendFromNative(interrupt, 4);
  testkit.call(unblock.func, unblock.arg);
  checkpoint();
  assertEquals(values, []);
  interrupt.unblock();
  assertEquals(values, [4]);
});

test("what is pending after `unblockFunc()` is handled by the next checkpoint", () => {
  const { interrupt, values } = recorder();
  const block = interrupt.blockFunc();
  const unblock = interrupt.unblockFunc();
  testkit.call(block.func, block.arg);
  sendFromNative(interrupt, 4);
  checkpoint();
  testkit.call(unblock.func, unblock.arg);
  checkpoint();
  assertEquals(values, [4]);
});

test("what is pending after `unblockFunc()` is handled by the event loop", async () => {
  const { interrupt, values } = recorder();
  const block = interrupt.blockFunc();
  const unblock = interrupt.unblockFunc();
  testkit.call(block.func, block.arg);
  sendFromNative(interrupt, 4);
  checkpoint();
  testkit.call(unblock.func, unblock.arg);
  await until(() => values.length > 0);
  assertEquals(values, [4]);
});

test("after one `unblockFunc()` too many, later signals are still delivered", () => {
  const { interrupt, values } = recorder();
  const unblock = interrupt.unblockFunc();
  testkit.call(unblock.func, unblock.arg);
  assertStrictEquals(interrupt.blocked, false);
  sendFromNative(interrupt, 1);
  checkpoint();
  interrupt.block();
  sendFromNative(interrupt, 2);
  checkpoint();
  assertEquals(values, [1]);
});

test("`block()` inside the callback takes effect when the callback returns", () => {
  const values: number[] = [];
  const interrupt = new Interrupt({
    callback: (value) => {
      values.push(value);
      interrupt.block();
    },
  });
  interrupt.signal(1);
  interrupt.signal(2);
  assertEquals(values, [1]);
  interrupt.unblock();
  assertEquals(values, [1, 2]);
});

test("`close()` delivers what is pending while blocked", () => {
  const { interrupt, values } = recorder();
  interrupt.block();
  interrupt.signal(9);
  interrupt.close();
  assertEquals(values, [9]);
});

test("a scope that ends after `close()` does nothing", () => {
  const { interrupt, values } = recorder();
  {
    using _scope = interrupt.scopeBlock();
    interrupt.signal(2);
    interrupt.close();
    assertEquals(values, [2]);
  }
  assertEquals(values, [2]);
});
