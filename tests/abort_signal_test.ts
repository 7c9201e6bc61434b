import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { checkpoint, Interrupt, InterruptError } from "../mod.ts";
import { runtime, testsOf, turn, until } from "./support/harness.ts";
import { startCommand } from "./support/processes.ts";
import { recorder } from "./support/recorder.ts";
import { raise, sendFromNative } from "./support/senders.ts";
import { endsByItself, places, signalled } from "./support/signalled_program.ts";
import { SIGRT8, SIGUSR2 } from "./support/signals.ts";
import { sender } from "./support/testkit.ts";

const test = testsOf(import.meta.url);

for (const { where, ms, name } of places) {
  test(`\`abortSignal\` aborts when another process sends the signal, ${name}`, async () => {
    const told = await signalled({ way: "abortSignal", where, ms }, [SIGUSR2]);
    assertEquals(told, ["Interrupted by SIGUSR2"]);
  }, { timeout: 30 });

  test(`\`abortSignal\` does not keep the process alive, ${name}`, async () => {
    await endsByItself("unusedAbortSignal", where, ms);
  }, { timeout: 30 });
}

test("`abortSignal` aborts once, with an AbortError that names the value, before the callback", () => {
  const order: string[] = [];
  const interrupt = new Interrupt({ callback: (value) => order.push(`callback ${value}`) });
  const { abortSignal } = interrupt;
  assert(!abortSignal.aborted);
  abortSignal.addEventListener("abort", () => order.push("abort"));
  interrupt.signal(5);
  interrupt.signal(6);
  assertEquals(order, ["abort", "callback 5", "callback 6"]);
  const { reason } = abortSignal;
  assert(reason instanceof DOMException);
  assertEquals([reason.name, reason.message], ["AbortError", "Interrupted with value 5"]);
});

test("`abortSignal` of an Interrupt on a signal names the signal", () => {
  for (const [number, name] of [[2, "SIGINT"], [12, "SIGUSR2"], [SIGRT8, "SIGRTMIN+8"]] as const) {
    const interrupt = new Interrupt({ signal: number });
    const { abortSignal } = interrupt;
    raise(number);
    assert(!abortSignal.aborted);
    checkpoint();
    assertEquals(abortSignal.reason.message, `Interrupted by ${name}`);
    interrupt.close();
  }
});

test("`abortSignal` is always the same object, also after `close()`", () => {
  const interrupt = new Interrupt();
  const { abortSignal } = interrupt;
  assertStrictEquals(interrupt.abortSignal, abortSignal);
  interrupt.signal();
  assertStrictEquals(interrupt.abortSignal, abortSignal);
  interrupt.close();
  assertStrictEquals(interrupt.abortSignal, abortSignal);
});

test("`abortSignal` has aborted already if the Interrupt was handled before, with the first value", () => {
  const interrupt = new Interrupt();
  interrupt.signal(3);
  interrupt.signal(4);
  const { abortSignal } = interrupt;
  assert(abortSignal.aborted);
  assertEquals(abortSignal.reason.message, "Interrupted with value 3");
  assertStrictEquals(interrupt.abortSignal, abortSignal);
  interrupt.signal(5);
  assertEquals(abortSignal.reason.message, "Interrupted with value 3");
});

test("`abortSignal` that is first asked for in the callback has aborted already", () => {
  let aborted: boolean | undefined;
  const interrupt = new Interrupt({ callback: () => aborted = interrupt.abortSignal.aborted });
  interrupt.signal();
  assertEquals(aborted, true);
});

test("`abortSignal` aborts when a pending value is handled, and not before", () => {
  const interrupt = new Interrupt();
  sendFromNative(interrupt, 8);
  const { abortSignal } = interrupt;
  assert(!abortSignal.aborted);
  checkpoint();
  assertEquals(abortSignal.reason.message, "Interrupted with value 8");
});

test("`abortSignal` waits while the Interrupt is blocked", () => {
  const interrupt = new Interrupt();
  const { abortSignal } = interrupt;
  interrupt.block();
  interrupt.signal();
  checkpoint();
  assert(!abortSignal.aborted);
  interrupt.unblock();
  assert(abortSignal.aborted);
});

test("`abortSignal` aborts when the event loop handles the Interrupt", async () => {
  const interrupt = new Interrupt();
  const { abortSignal } = interrupt;
  sendFromNative(interrupt);
  await until(() => abortSignal.aborted);
});

test("`abortSignal` of a `wake: false` Interrupt waits for the checkpoint", async () => {
  const interrupt = new Interrupt({ wake: false });
  const { abortSignal } = interrupt;
  sendFromNative(interrupt);
  for (let i = 0; i < 20; i++) await turn();
  assert(!abortSignal.aborted);
  checkpoint();
  assert(abortSignal.aborted);
});

test("`close()` aborts `abortSignal` if a value is pending, and leaves it alone if none is", () => {
  const pending = new Interrupt();
  const { abortSignal } = pending;
  sendFromNative(pending, 9);
  pending.close();
  assertEquals(abortSignal.reason.message, "Interrupted with value 9");
  const idle = new Interrupt();
  const never = idle.abortSignal;
  idle.close();
  assert(!never.aborted);
});

test("`abortSignal` that is first asked for after `close()` throws CLOSED", () => {
  for (const signalled of [false, true]) {
    const interrupt = new Interrupt();
    if (signalled) interrupt.signal();
    interrupt.close();
    const error = assertThrows(() => interrupt.abortSignal, InterruptError);
    assertEquals(error.code, "CLOSED");
  }
});

test("a listener of `abortSignal` may signal, wait and checkpoint: the callback is not re-entered", async () => {
  const { interrupt, values } = recorder();
  let next: Promise<number> | undefined;
  interrupt.abortSignal.addEventListener("abort", () => {
    interrupt.signal(7);
    next = interrupt.wait();
    checkpoint();
    assertEquals(values, []);
  });
  interrupt.signal(6);
  assertEquals(values, [6, 7]);
  assertEquals(await next, 7);
});

test("a listener of `abortSignal` may close the Interrupt, which then hears no more", () => {
  const { interrupt, values } = recorder();
  interrupt.abortSignal.addEventListener("abort", () => interrupt.close());
  sendFromNative(interrupt, 6);
  checkpoint();
  assert(interrupt.closed);
  checkpoint();
  assert(values.length <= 1);
});

test("a listener of `abortSignal` that throws stops neither the others nor the callback", async () => {
  const uncaught: unknown[] = [];
  const failure = new Error("from the listener");
  // What a listener throws goes where that of any AbortSignal goes.
  if (runtime === "deno") {
    addEventListener("error", (event) => {
      event.preventDefault();
      uncaught.push(event.error);
    });
  } else {
    process.on("uncaughtException", (error) => uncaught.push(error));
  }
  const { interrupt, values } = recorder();
  const { abortSignal } = interrupt;
  let heard = 0;
  abortSignal.addEventListener("abort", () => {
    throw failure;
  });
  abortSignal.addEventListener("abort", () => heard++);
  const next = interrupt.wait();
  interrupt.signal(5);
  interrupt.signal(6);
  assertEquals([heard, values, await next], [1, [5, 6], 5]);
  await until(() => uncaught.length > 0);
  assertEquals(uncaught.length, 1);
  assertStrictEquals(uncaught[0], failure);
});

test("a thousand listeners of `abortSignal`s all hear of one signal", () => {
  let heard = 0;
  for (let i = 0; i < 1000; i++) {
    const interrupt = new Interrupt({ signal: SIGUSR2 });
    interrupt.abortSignal.addEventListener("abort", () => heard++);
  }
  raise(SIGUSR2);
  checkpoint();
  assertEquals(heard, 1000);
});

test("a signal from another process gives up `fetch()` from a server that never answers", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const interrupt = new Interrupt({ signal: "SIGUSR2" });
  const asked = new Promise((resolve) => server.once("request", resolve));
  const { port } = server.address() as AddressInfo;
  const answer = fetch(`http://127.0.0.1:${port}/`, { signal: interrupt.abortSignal });
  answer.catch(() => {});
  await asked;
  startCommand(sender(String(SIGUSR2)));
  const error = await assertRejects(() => answer) as Error;
  assertEquals(error.name, "AbortError");
});

test("a signal from another process gives up a timer of `node:timers/promises`", async () => {
  const { abortSignal } = new Interrupt({ signal: "SIGUSR2" });
  const timer = setTimeout(1e9, undefined, { signal: abortSignal });
  startCommand(sender(String(SIGUSR2)));
  const error = await assertRejects(() => timer) as Error;
  assertEquals(error.name, "AbortError");
});

test("a signal from another process ends a child process of `node:child_process`", async () => {
  const { abortSignal } = new Interrupt({ signal: "SIGUSR2" });
  const child = spawn("sleep", ["1000"], { signal: abortSignal });
  const failed = new Promise<Error>((resolve) => child.once("error", resolve));
  const ended = new Promise((resolve) => child.once("exit", (_, signal) => resolve(signal)));
  startCommand(sender(String(SIGUSR2)));
  assertEquals([(await failed).name, await ended], ["AbortError", "SIGTERM"]);
});

test("`abortSignal` gives up another wait, `Interrupt.once()` and `Interrupt.on()`", async () => {
  const interrupt = new Interrupt({ signal: "SIGUSR2" });
  const { abortSignal } = interrupt;
  const options = { signal: abortSignal };
  const waits = [
    new Interrupt().wait(options),
    Interrupt.once("SIGHUP", options),
    Interrupt.on(["SIGHUP", SIGRT8], options).next(),
  ];
  raise(SIGUSR2);
  for (const wait of waits) {
    assertStrictEquals(await wait.catch((error) => error), abortSignal.reason);
  }
});
