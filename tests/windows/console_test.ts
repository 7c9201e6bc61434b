/**
 * Events of the console. A thread in this process delivers them, the one that Windows starts for
 * them; scripts/platforms/windows.ts also presses Ctrl-C on a terminal.
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import process from "node:process";
import { checkpoint, Interrupt, InterruptError, interruptible } from "../../mod.ts";
import { testsOf, turn, until } from "../support/harness.ts";
import { start } from "../support/processes.ts";
import { recorder } from "../support/recorder.ts";
import { testkit } from "../support/testkit.ts";
import { openWorker } from "./support/worker.ts";
import { send, SIGBREAK, SIGHUP, SIGINT } from "./support/console.ts";

const test = testsOf(import.meta.url);
const all = [["SIGINT", SIGINT], ["SIGBREAK", SIGBREAK]] as const;

for (const [name, number] of all) {
  test(`${name} reaches a busy loop at its checkpoint`, () => {
    const { interrupt, values } = recorder({ signal: name });
    for (let round = 1; round <= 20; round++) {
      send(number);
      while (values.length < round) checkpoint();
    }
    assertEquals(values, Array(20).fill(number));
    interrupt.close();
  });

  test(`${name} wakes an idle event loop`, async () => {
    const interrupt = new Interrupt({ signal: name });
    for (let round = 0; round < 20; round++) {
      const next = interrupt.wait();
      await turn();
      send(number);
      assertEquals(await next, number);
    }
    interrupt.close();
  });

  test(`a listener of the runtime hears ${name} beside an Interrupt, in whatever order they come and go`, async () => {
    let heard = 0;
    const listener = () => heard++;
    process.on(name, listener);
    const { interrupt, values } = recorder({ signal: name });
    send(number);
    // A runtime may be late, and tell a new listener of an event that came before.
    await until(() => heard > 0 && values.length === 1);
    process.off(name, listener);
    send(number);
    await until(() => values.length === 2);
    process.on(name, listener);
    let before = heard;
    send(number);
    await until(() => heard > before && values.length === 3);
    interrupt.close();
    before = heard;
    send(number);
    await until(() => heard > before);
    assertEquals(values.length, 3);
    // What was heard may be an earlier event, and the last one needs the listener: without it
    // Windows ends the process.
    testkit.wait_exit(0);
    process.off(name, listener);
  });
}

test("each of several Interrupts hears Ctrl-C, and goes on when another closes", async () => {
  const first = recorder({ signal: "SIGINT" });
  const second = recorder({ signal: "INT" });
  send(SIGINT);
  await until(() => first.values.length === 1 && second.values.length === 1);
  first.interrupt.close();
  send(SIGINT);
  await until(() => second.values.length === 2);
  assertEquals(first.values.length, 1);
  second.interrupt.close();
});

test("one signal does not hide another", async () => {
  const heard: number[] = [];
  const stream = Interrupt.on(["SIGINT", "SIGBREAK"]);
  send(SIGINT);
  send(SIGBREAK);
  for await (const signal of stream) if (heard.push(signal) === 2) break;
  assertEquals(heard.sort(), [SIGINT, SIGBREAK]);
});

test("`Interrupt.once()` resolves with the number of the signal", async () => {
  const next = Interrupt.once(["SIGINT", "SIGBREAK", "SIGHUP"]);
  await turn();
  send(SIGBREAK);
  assertEquals(await next, SIGBREAK);
});

test("with `signalHysteresis` Ctrl-C is heard again after it was handled", () => {
  const { interrupt, values } = recorder({ signal: "SIGINT", signalHysteresis: true });
  for (let round = 1; round <= 5; round++) {
    send(SIGINT);
    while (values.length < round) checkpoint();
  }
  interrupt.close();
});

test("Ctrl-C stops what `interruptible()` runs", () => {
  let rounds = 0;
  const stopped = assertThrows(() =>
    interruptible(() => {
      send(SIGINT);
      while (true) {
        rounds++;
        checkpoint();
      }
    }, { on: "SIGINT" })
  ) as Error;
  assertEquals(stopped.name, "AbortError");
  assert(stopped.message.includes("SIGINT"), stopped.message);
  assert(rounds > 0);
});

test("a Worker and the main thread both hear Ctrl-C", async () => {
  const { values, interrupt } = recorder({ signal: "SIGINT" });
  const worker = await openWorker({ signal: "SIGINT" });
  send(SIGINT);
  assertEquals(await worker.next(), SIGINT);
  await until(() => values.length === 1);
  await worker.terminate();
  send(SIGINT);
  await until(() => values.length === 2);
  interrupt.close();
});

test("a Worker alone hears Ctrl-C, and the process lives", async () => {
  const worker = await openWorker({ signal: "SIGINT" });
  for (let round = 0; round < 3; round++) {
    send(SIGINT);
    assertEquals(await worker.next(), SIGINT);
  }
  await worker.terminate();
});

test("`Interrupt.supports` has the three signals of a console, and errors name the others", () => {
  assertEquals([...Interrupt.supports.signals], ["SIGHUP", "SIGINT", "SIGBREAK"]);
  const hook = (signal: string) =>
    assertThrows(() => new Interrupt({ signal }), InterruptError) as InterruptError;
  for (const signal of ["SIGTERM", "SIGWINCH"]) {
    const { code, message } = hook(signal);
    assertEquals(code, "UNSUPPORTED");
    assert(message.includes(signal) && message.includes("Ctrl-Break"), message);
  }
  assertEquals(hook("SIGKILL").code, "RESERVED_SIGNAL");
  for (const signal of ["SIGUSR1", "SIGCHLD", "SIGRTMIN"]) {
    const { message } = assertThrows(() => new Interrupt({ signal }), RangeError) as Error;
    assert(message.includes(signal), message);
  }
});

/** STATUS_CONTROL_C_EXIT, 0xc000013a. Bun gives the lowest byte only, and Deno a signed number. */
function endedByDefault(code: number | null): boolean {
  return code !== null && (code & 0xff) === 0x3a;
}

const program = (what: string) => start(new URL("./programs/console.ts", import.meta.url), [what]);

test("after the last Interrupt is closed Ctrl-C ends the process, as before the first", async () => {
  for (const what of ["never", "closed"]) {
    const { code, stdout, stderr } = await program(what).ended;
    assert(endedByDefault(code), `${code}\n${stdout}${stderr}`);
  }
});

test("an Interrupt that closes when it has heard Ctrl-C does not leave it to the default action", async () => {
  const { code, stdout, stderr } = await program("passed on").ended;
  assertEquals([code, stdout.trim()], [0, "handled 1"], stderr);
});

test("with `once` a second Ctrl-C ends a program that never calls `checkpoint()`", async () => {
  const { code, stdout, stderr } = await program("once").ended;
  assert(endedByDefault(code), `${code}\n${stdout}${stderr}`);
});

test("when the console is closed, the callback has time to end the program", async () => {
  const { code, stdout, stderr } = await program("hangup").ended;
  assertEquals([code, stdout.trim()], [0, `heard ${SIGHUP}`], stderr);
});
