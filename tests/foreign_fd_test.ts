/**
 * Code in the same process closes or replaces descriptors that it does not own. This is reported or
 * harmless, never fatal.
 */

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkpoint, EventPipe, Interrupt, InterruptError } from "../mod.ts";
import { withWakeSocket } from "./support/descriptors.ts";
import { noWakeSocket, runtime, testsOf, turn, until } from "./support/harness.ts";
import { makePipe, readable, testkit } from "./support/testkit.ts";
import { collectErrors } from "./support/collect_errors.ts";
import { sendFromNative } from "./support/senders.ts";

const test = testsOf(import.meta.url);

/** Opens an Interrupt, and finds both ends of the socket that wakes its thread. */
function openWithSocket(callback: (value: number) => void) {
  const { opened, ...ends } = withWakeSocket(() => new Interrupt({ callback }));
  return { interrupt: opened, ...ends };
}

/** Puts a foreign file under the number `fd`. */
function replaceByFile(fd: number): { text(): string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), "foreign-fd-test-"));
  const path = join(folder, "foreign");
  testkit.replace(openSync(path, "w"), fd);
  return {
    text: () => readFileSync(path, "utf8"),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

test(
  "the write side of the wake socket, closed by foreign code: `onError` is told, checkpoints go on",
  async () => {
    const values: number[] = [];
    const errors = collectErrors<InterruptError>();
    const { interrupt, writeFd } = openWithSocket((v) => values.push(v));
    await turn();
    testkit.close(writeFd);
    await until(() => errors.length > 0);
    const [error] = errors;
    assertInstanceOf(error, InterruptError);
    assertEquals(error.code, "BAD_FD");
    assertStringIncludes(error.message, "close");
    sendFromNative(interrupt, 5);
    checkpoint();
    assertEquals(values, [5]);
    // An Interrupt that is opened later throws at once.
    assertThrows(() => new Interrupt(), InterruptError, "wake");
    new Interrupt({ wake: false }).close();
    interrupt.close();
    assertEquals(errors.length, 1);
  },
  { skip: noWakeSocket },
);

test(
  "the read side of the wake socket, closed before the loop's first turn, is not fatal",
  async () => {
    const values: number[] = [];
    const errors = collectErrors<InterruptError>();
    const { interrupt, readFd } = openWithSocket((v) => values.push(v));
    testkit.close(readFd);
    // Bun has already opened the socket by number, and cannot notice.
    if (runtime === "deno") await until(() => errors.length > 0);
    for (let i = 0; i < 3; i++) await turn();
    sendFromNative(interrupt, 5);
    checkpoint();
    assertEquals(values, [5]);
  },
  { skip: noWakeSocket },
);

test(
  "an event loop that cannot watch the wake socket: `onError` is told, checkpoints still work",
  async () => {
    const values: number[] = [];
    const errors = collectErrors<InterruptError>();
    const { Bun } = globalThis as unknown as { Bun: { connect: unknown } };
    Bun.connect = () => Promise.reject(new Error("Failed to connect"));
    const interrupt = new Interrupt({
      callback: (value) => values.push(value),
    });
    await until(() => errors.length > 0);
    assertInstanceOf(errors[0], InterruptError);
    assertInstanceOf(errors[0].cause, Error);
    sendFromNative(interrupt, 5);
    checkpoint();
    assertEquals(values, [5]);
  },
  { skip: runtime !== "bun" && "only Bun.connect() can report this" },
);

test(
  "a foreign file under the number of the wake socket is not written to, and `onError` is told",
  async () => {
    const errors = collectErrors<InterruptError>();
    const { interrupt, writeFd } = openWithSocket(() => {});
    await turn();
    const file = replaceByFile(writeFd);
    for (let i = 0; i < 10; i++) {
      sendFromNative(interrupt, 5);
      checkpoint();
    }
    await until(() => errors.length > 0);
    assertInstanceOf(errors[0], InterruptError);
    assertEquals(file.text(), "");
    file.remove();
  },
  { skip: noWakeSocket },
);

test(
  "a foreign pipe under the number of the wake socket is not written to, and `onError` is told",
  () => {
    const errors = collectErrors<InterruptError>();
    const { interrupt, writeFd } = openWithSocket(() => {});
    const [readEnd, writeEnd] = makePipe();
    testkit.replace(writeEnd, writeFd);
    sendFromNative(interrupt, 5);
    checkpoint();
    assert(!readable(readEnd));
    assertStringIncludes(errors[0]!.message, "ENOTSOCK");
  },
  { skip: noWakeSocket },
);

test(
  "the read side of the wake socket, replaced by foreign code: the next checkpoint tells `onError`, once, and handles",
  async () => {
    const values: number[] = [];
    const errors = collectErrors<InterruptError>();
    const { interrupt, readFd } = openWithSocket((v) => values.push(v));
    // After the first wake the runtime reads only when the kernel reports the socket as readable.
    sendFromNative(interrupt, 1);
    await until(() => values.length === 1);
    const file = replaceByFile(readFd);
    for (let value = 2; value <= 3; value++) {
      sendFromNative(interrupt, value);
      await turn();
      checkpoint();
    }
    assertEquals(values, [1, 2, 3]);
    assertEquals(errors.map(({ code }) => code), ["SYSTEM"]);
    assertStringIncludes(errors[0]!.message, "Cannot wake this event loop");
    assertStringIncludes(errors[0]!.message, "EPIPE: a descriptor was closed");
    interrupt.close();
    file.remove();
  },
  { skip: noWakeSocket },
);

test("an EventPipe whose descriptor foreign code closed: `wait()` and `renew()` throw, the rest is harmless", () => {
  const pipe = new EventPipe();
  testkit.close(pipe.fileno);
  pipe.signal();
  pipe.drain();
  const error = assertThrows(() => pipe.wait(0), InterruptError);
  assertEquals(error.code, "BAD_FD");
  assertThrows(() => pipe.renew(), InterruptError, "not open");
  pipe.close();
});

test("an Interrupt whose pipe foreign code closed is still handled, and `onError` is told", () => {
  const values: number[] = [];
  const errors = collectErrors<InterruptError>();
  const interrupt = new Interrupt({ callback: (v) => values.push(v) });
  testkit.close(interrupt.pipeFileno);
  sendFromNative(interrupt, 5);
  checkpoint();
  interrupt.signal(6);
  const error = assertThrows(() => interrupt.postFork(), InterruptError);
  assertEquals(error.code, "BAD_FD");
  interrupt.close();
  assertEquals(values, [5, 6]);
  assertEquals(errors.map(({ code }) => code), ["BAD_FD"]);
  assertStringIncludes(errors[0]!.message, "Cannot signal or drain a pipe");
});

test("a failure that belongs to no single Interrupt is reported once, with the Interrupt that was opened first", () => {
  const told: Interrupt[] = [];
  Interrupt.onError = (_, interrupt) => told.push(interrupt);
  const interrupts = Array.from({ length: 5 }, () => new Interrupt());
  testkit.close(interrupts[3]!.pipeFileno);
  sendFromNative(interrupts[3]!, 5);
  checkpoint();
  assertEquals(told.length, 1);
  assert(told[0] === interrupts[0]);
});

test("given descriptors that foreign code replaces: signals go to the old ones, `postFork()` throws", () => {
  const values: number[] = [];
  const [readFd, writeFd] = makePipe();
  const interrupt = new Interrupt({
    pipe: [readFd, writeFd],
    callback: (value) => values.push(value),
  });
  const file = replaceByFile(writeFd);
  sendFromNative(interrupt, 5);
  assert(readable(readFd));
  const error = assertThrows(() => interrupt.postFork(), InterruptError);
  assertEquals(error.code, "BAD_FD");
  checkpoint();
  interrupt.close();
  assertEquals([values, file.text()], [[5], ""]);
  file.remove();
});

// SECURITY.md documents this: no library can detect it.
test("a foreign file under the number of our own pipe gets 8 bytes per signal, which is not fatal", () => {
  const values: number[] = [];
  const interrupt = new Interrupt({
    wake: false,
    callback: (value) => values.push(value),
  });
  const file = replaceByFile(interrupt.pipeFileno);
  sendFromNative(interrupt, 5);
  sendFromNative(interrupt, 6);
  assertEquals(file.text().length, 8);
  checkpoint();
  assertEquals(values, [6]);
  interrupt.close();
  file.remove();
});
