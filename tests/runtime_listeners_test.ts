import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { connect } from "node:net";
import process from "node:process";
import { emulator } from "./support/emulator.ts";
import { runtime, testsOf, turn, until } from "./support/harness.ts";
import { start } from "./support/processes.ts";
import { makePipe, startKiller, testkit } from "./support/testkit.ts";
import { checkpoint, Interrupt, sig2num } from "../mod.ts";
import { SIGINT, SIGPIPE, SIGTERM, SIGUSR2 } from "./support/signals.ts";
import { raise } from "./support/senders.ts";
import { sendTo } from "./support/signalled_program.ts";

const test = testsOf(import.meta.url);

const program = new URL("./programs/listeners.ts", import.meta.url);

/** Runs the program, and sends it the signal each time it asks for it. */
async function everybodyHears(
  signal: string,
  args: string[],
  prefix: string[] = [],
) {
  const { line, pid, ended } = start(program, [signal, ...args], {
    prefix,
    timeout: 100,
  });
  const socket = connect(Number((await line()).replace("port ", "")));
  let last = "";
  for (let text = await line(); text !== ""; text = await line()) {
    last = text;
    if (!text.startsWith("signal ")) break;
    sendTo(pid, sig2num(signal) ?? Number(signal));
    socket.write("sent");
  }
  socket.destroy();
  const { code, signal: killer, stderr, hung } = await ended;
  assertEquals(
    { signal, last, code, killer, hung, stderr },
    { signal, last: "done", code: 0, killer: null, hung: false, stderr: "" },
  );
}

const signals = [
  "SIGINT",
  "SIGTERM",
  "SIGHUP",
  "SIGUSR2",
  "SIGQUIT",
  "SIGWINCH",
  "SIGCHLD",
  "SIGPIPE",
  "35",
];

for (const place of ["the main thread", "a Worker"]) {
  const args = place === "a Worker" ? ["worker"] : [];
  test(
    `in a program that idled, Interrupts of ${place} and listeners of the runtime come and go in any order, and all hear`,
    async () => {
      await Promise.all(signals.map((signal) => everybodyHears(signal, args)));
    },
    { timeout: 120 },
  );
}

test(
  "a signal that was ignored when the program started is heard by Interrupts and listeners",
  async () => {
    const shell = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh"];
    await everybodyHears("SIGHUP", [], shell);
  },
  { timeout: 120 },
);

test("after an Interrupt has heard a signal and is closed at once, that signal does not kill the process, but the next one does", async () => {
  const program = new URL("./programs/closed_at_once.ts", import.meta.url);
  const { line, ended } = start(program);
  assertEquals(await line(), "alive");
  const { signal, hung, stderr } = await ended;
  assertEquals(
    { signal, hung, stderr },
    { signal: "SIGUSR2", hung: false, stderr: "" },
  );
});

test("a listener that ends the process does not prevent an earlier Interrupt from hearing the signal", async () => {
  const program = new URL("./programs/exiting_listener.ts", import.meta.url);
  const { code, signal, stdout, stderr } = await start(program).ended;
  assertEquals(
    { code, signal, stdout, stderr },
    { code: 0, signal: null, stdout: "heard\n", stderr: "" },
  );
});

test(
  "an Interrupt that failed to listen leaves no listener behind when the next one on its signal closes",
  () => {
    const { on } = process;
    process.on = (...args: Parameters<typeof on>) => {
      if (String(args[0]) === "newListener") throw new Error("planted");
      return on.apply(process, args);
    };
    assertThrows(() => new Interrupt({ signal: SIGUSR2 }), Error, "planted");
    process.on = on;
    new Interrupt({ signal: SIGUSR2 }).close();
    assertEquals(process.listeners("SIGUSR2"), []);
  },
  { skip: runtime === "deno" && "Deno has listeners of its own" },
);

test(
  "a listener of a closed Interrupt that code saved, and adds again, removes itself",
  async () => {
    const interrupt = new Interrupt({ signal: SIGUSR2 });
    const saved = process.listeners("SIGUSR2");
    interrupt.close();
    for (const listener of saved) process.on("SIGUSR2", listener);
    raise(SIGUSR2);
    await until(() => process.listenerCount("SIGUSR2") === 0);
  },
  { skip: runtime !== "node" && "only Node needs listeners that can do this" },
);

const SA_SIGINFO = 4n;
const SA_RESTART = 0x10000000n;
const SA_RESETHAND = 0x80000000n;

/** Raises the signal, and waits until everyone in `counts` has heard it. */
async function raiseAndWait(counts: Record<string, number>, signal: number = SIGUSR2) {
  const before = { ...counts };
  raise(signal);
  await until(() => Object.entries(before).every(([who, count]) => counts[who]! > count));
  // A superfluous call would come in the next turns.
  for (let i = 0; i < 3; i++) await turn();
}

/**
 * Sends signals from another process to a program that closes its Interrupt after the first one;
 * see programs/closed.ts.
 */
async function afterClose(signal: string, prefix: string[] = []) {
  const program = new URL("./programs/closed.ts", import.meta.url);
  const { line, pid, ended } = start(program, [signal], { prefix });
  const before = await line();
  assertEquals(await line(), "open");
  sendTo(pid, sig2num(signal)!);
  const after = await line();
  if (before === "ignored") {
    sendTo(pid, sig2num(signal)!, sig2num("SIGWINCH")!);
  } else {
    // Repeatedly, because Deno's signal thread may still be busy with the first signal; until then
    // its listener stays.
    let over = false;
    void ended.then(() => over = true);
    while (!over) {
      sendTo(pid, sig2num(signal)!);
      await turn();
    }
  }
  const { signal: killer, stdout, stderr, hung } = await ended;
  assertEquals([stderr, hung], ["", false]);
  const then = killer ?? stdout.trim().split("\n").at(-1);
  return { before, after, then };
}

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR2"]) {
  test(`${signal} ends the process again, once an Interrupt has heard it and is closed`, async () => {
    const { before, after, then } = await afterClose(signal);
    assertNotEquals(before, "ignored");
    // Deno's handler stays, and performs the default action. Half a second after its start Deno
    // installs it by itself, and on a loaded machine that may be first.
    const stays = runtime === "deno" && before === "default";
    assertEquals({ after, then }, { after: stays ? "another" : "the same", then: signal });
  });
}

test("a signal that was ignored when the program started is ignored again after `close()`", async () => {
  const shell = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh"];
  assertEquals(
    await afterClose("SIGHUP", shell),
    runtime === "node"
      // Node resets all signals to their defaults when it starts.
      ? { before: "default", after: "the same", then: "SIGHUP" }
      : {
        before: "ignored",
        // Deno's handler stays and would perform the default action, so a listener that does
        // nothing stays too.
        after: runtime === "deno" ? "another" : "the same",
        then: "alive",
      },
  );
});

test("a listener that was registered before an Interrupt keeps its place and hears the signal", async () => {
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR2"] as const) {
    const number = sig2num(name)!;
    const counts: { listener: number; interrupt?: number } = { listener: 0 };
    const listener = () => counts.listener++;
    process.on(name, listener);
    testkit.disposition_save(number, 0);
    for (let round = 1; round <= 2; round++) {
      const callback = () => counts.interrupt!++;
      counts.interrupt = 0;
      const interrupt = new Interrupt({ signal: name, callback });
      await raiseAndWait(counts, number);
      assertEquals(counts, { interrupt: 1, listener: 2 * round - 1 }, name);
      interrupt.close();
      delete counts.interrupt;
      assertEquals(testkit.disposition_same(number, 0), 1, name);
      await raiseAndWait(counts, number);
      assertEquals(counts, { listener: 2 * round }, name);
    }
    process.off(name, listener);
  }
});

test(
  "Node's handlers that end the process on SIGINT and SIGTERM come back byte for byte",
  () => {
    for (const signal of [SIGINT, SIGTERM]) {
      testkit.disposition_save(signal, 0);
      assertNotEquals(testkit.disposition_word(signal, 0), 0n);
      assert(testkit.disposition_word(signal, 1) & SA_RESETHAND);
      for (const chain of [false, true]) {
        const interrupt = new Interrupt({ signal, chain });
        raise(signal);
        interrupt.close();
        assertEquals(testkit.disposition_same(signal, 0), 1);
      }
    }
  },
  { skip: runtime !== "node" && "only Node has such handlers" },
);

test("writing to a closed pipe does not kill the process before, while and after an Interrupt hooks SIGPIPE", () => {
  const EPIPE = 32;
  const [readFd, writeFd] = makePipe();
  testkit.close(readFd);
  const write = () => assertEquals(testkit.write(writeFd), -EPIPE);
  write();
  for (let round = 0; round < 3; round++) {
    let calls = 0;
    const interrupt = new Interrupt({
      signal: "SIGPIPE",
      callback: () => calls++,
    });
    write();
    checkpoint();
    assertEquals(calls, 1);
    interrupt.close();
    write();
  }
  // Nor does a SIGPIPE while the Interrupt opens and closes.
  const stop = startKiller(SIGPIPE, 20_000);
  for (let round = 0; round < 500; round++) {
    new Interrupt({ signal: "SIGPIPE" }).close();
  }
  stop();
  write();
});

for (const chain of [false, true]) {
  const name = chain ? "with `chain`" : "without `chain`";
  test(
    `a native handler that was installed before the runtime's is called ${
      chain ? "once" : "only by Deno"
    } ${name}, and comes back`,
    async () => {
      testkit.handler_count(SIGUSR2, SA_SIGINFO | SA_RESTART, 0x1200n);
      testkit.disposition_save(SIGUSR2, 0);
      const counts = { first: 0, second: 0, listener: 0 };
      const options = { signal: SIGUSR2, chain };
      const interrupts = [
        new Interrupt({ ...options, callback: () => counts.first++ }),
        new Interrupt({ ...options, callback: () => counts.second++ }),
      ];
      const listener = () => counts.listener++;
      process.on("SIGUSR2", listener);
      for (let round = 1; round <= 3; round++) {
        await raiseAndWait(counts);
        const all = { first: round, second: round, listener: round };
        assertEquals(counts, all);
        // Deno's own handler calls the handler over which it was installed.
        const handled = chain || runtime === "deno" ? round : 0;
        assertEquals(testkit.handled(SIGUSR2), handled);
      }
      process.off("SIGUSR2", listener);
      for (const interrupt of interrupts) interrupt.close();
      // Deno's handler stays, and still calls the native handler.
      if (runtime === "deno") return;
      assertEquals(testkit.disposition_same(SIGUSR2, 0), 1);
    },
    { alone: true },
  );
}

test("`chain` on SIGINT and SIGTERM does not end the process, whatever handler the runtime had", async () => {
  for (const signal of [SIGINT, SIGTERM]) {
    const counts = { interrupt: 0 };
    const callback = () => counts.interrupt++;
    const interrupt = new Interrupt({ signal, chain: true, callback });
    for (let round = 1; round <= 3; round++) {
      await raiseAndWait(counts, signal);
      assertEquals(counts.interrupt, round);
    }
    interrupt.close();
  }
});

for (const order of ["before", "after"]) {
  test(`a native handler over ours, Interrupts opened before and after it, and a listener registered ${order} them all hear a signal once`, async () => {
    const counts = { listener: 0, first: 0, second: 0 };
    const listen = () => process.on("SIGUSR2", () => counts.listener++);
    if (order === "before") listen();
    const signal = "SIGUSR2";
    new Interrupt({ signal, callback: () => counts.first++ });
    testkit.handler_count(SIGUSR2, SA_SIGINFO | SA_RESTART, 0n);
    new Interrupt({ signal, callback: () => counts.second++ });
    if (order === "after") listen();
    for (let round = 1; round <= 3; round++) {
      await raiseAndWait(counts);
      const all = { listener: round, first: round, second: round };
      assertEquals(counts, all);
      assertEquals(testkit.handled(SIGUSR2), round);
    }
  });
}

/** From now on, raises the signal as soon as the runtime has registered a listener for it. */
function raiseWhenListenedTo(): { raised: number } {
  const seen = { raised: 0 };
  const api = runtime === "deno" ? Deno : process;
  const name = runtime === "deno" ? "addSignalListener" : "on";
  const all = api as unknown as Record<string, (...args: unknown[]) => unknown>;
  const add = all[name]!;
  all[name] = (...args) => {
    const added = add.apply(api, args);
    if (args[0] === "SIGUSR2") {
      seen.raised++;
      raise(SIGUSR2);
    }
    return added;
  };
  return seen;
}

test("a signal that comes between the runtime's handler and ours is heard, also after many that came at once", async () => {
  const seen = raiseWhenListenedTo();
  for (let round = 1; round <= 3; round++) {
    let calls = 0;
    const interrupt = new Interrupt({
      signal: "SIGUSR2",
      callback: () => calls++,
    });
    assertEquals([seen.raised, interrupt.pending], [round, 0]);
    await until(() => calls === 1);
    // The runtime coalesces these into fewer calls. Deno and Bun may still be about to call the
    // next listener for one of them.
    const many = runtime === "node" ? 5 : 1;
    for (let i = 0; i < many; i++) raise(SIGUSR2);
    await until(() => calls === 2);
    for (let i = 0; i < 3; i++) await turn();
    assertEquals(calls, 2);
    interrupt.close();
  }
});

test("an Interrupt does not hear a signal that the previous Interrupt has heard", async () => {
  for (let round = 0; round < 300; round++) {
    let calls = 0;
    using _interrupt = new Interrupt({
      signal: "SIGUSR2",
      callback: () => calls++,
    });
    // The previous Interrupt was closed before the runtime called its listener.
    if (round % 3 === 0) await turn();
    checkpoint();
    assertEquals(calls, 0, `round ${round}`);
    raise(SIGUSR2);
    while (calls === 0) checkpoint();
  }
});

test("many Interrupts on one signal are one listener, which causes no warning and does not keep the process alive", async () => {
  const program = new URL("./programs/many.ts", import.meta.url);
  const { code, signal, stdout, stderr, hung } = await start(program).ended;
  assertEquals(
    { code, signal, stderr, hung },
    { code: 0, signal: null, stderr: "", hung: false },
  );
  // Deno's listeners are not those of an EventEmitter.
  const open = runtime === "deno" ? 0 : 1;
  assertEquals(stdout, `0\n${open}\n0\n`);
});

for (const way of ["open", "closed", "exit"]) {
  test(`a program that ends as soon as an Interrupt has heard a signal is not killed by that signal: ${way}`, async () => {
    const program = new URL("./programs/ends.ts", import.meta.url);
    // Many at once, so that in some of them Deno's signal thread is late.
    const all = Array.from({ length: runtime === "deno" && !emulator ? 20 : 5 }, async () => {
      const { code, signal, stderr } = await start(program, [way]).ended;
      return { code, signal, stderr };
    });
    const well = { code: 0, signal: null, stderr: "" };
    assertEquals(await Promise.all(all), all.map(() => well));
  });
}

test("a native handler that replaced ours stays, on a signal that the runtime listens to", () => {
  const interrupt = new Interrupt({ signal: "SIGUSR2" });
  testkit.handler_count(SIGUSR2, SA_RESTART, 0x1200n);
  testkit.disposition_save(SIGUSR2, 0);
  interrupt.close();
  assertEquals(testkit.disposition_same(SIGUSR2, 0), 1);
  raise(SIGUSR2);
  assertEquals(testkit.handled(SIGUSR2), 1);
});

test("after code in `vm` with `breakOnSigint` an Interrupt hears Ctrl-C again", async () => {
  const program = new URL("./programs/vm_sigint.ts", import.meta.url);
  const { code, signal, stdout, stderr } = await start(program).ended;
  assertEquals(
    { code, signal, stdout, stderr },
    { code: 0, signal: null, stdout: "heard\n", stderr: "" },
  );
});
