import { assert, assertEquals, assertNotEquals } from "@std/assert";
import process from "node:process";
import { checkpoint, Interrupt, sig2num } from "../mod.ts";
import { runtime, testsOf, turn, until } from "./support/harness.ts";
import { start, startCommand } from "./support/processes.ts";
import { testkit } from "./support/testkit.ts";
import { SIGCHLD, SIGRT8, SIGUSR2 } from "./support/signals.ts";
import { raise } from "./support/senders.ts";

const test = testsOf(import.meta.url);

const SA_SIGINFO = 4n;
const SA_ONSTACK = 0x08000000n;
const SA_RESTART = 0x10000000n;
const SA_NODEFER = 0x40000000n;
const SA_RESETHAND = 0x80000000n;
const mask = 0x0000000012345600n;

const save = (signal = SIGRT8) => testkit.disposition_save(signal, signal);
const isSaved = (signal = SIGRT8) => testkit.disposition_same(signal, signal) === 1;

/** The handler of the runtime, which is the same for every signal that has a listener. */
function handlerOfRuntime(): bigint {
  const listener = () => {};
  process.on("SIGWINCH", listener);
  const handler = testkit.disposition_word(sig2num("SIGWINCH")!, 0);
  process.off("SIGWINCH", listener);
  return handler;
}

/** Why the runtime's handler stays installed after `close()`; undefined if it does not. */
function stays(name: string): string | undefined {
  // Without the handler the next write to a closed pipe would kill the process.
  if (name === "SIGPIPE") return "a listener for it stays";
  // Deno registers a signal only once. If its handler were removed, all later listeners in the
  // program would hear nothing.
  return runtime === "deno" && !name.startsWith("SIGRT")
    ? "Deno plays the default action itself"
    : undefined;
}

test("the disposition of every catchable signal comes back byte for byte, or the runtime's handler stays", () => {
  const runtimes = handlerOfRuntime();
  for (const name of Interrupt.supports.signals) {
    const number = sig2num(name)!;
    save(number);
    const interrupt = new Interrupt({ signal: name });
    assert(!isSaved(number), name);
    const ours = testkit.disposition_word(number, 0);
    interrupt.close();
    const handler = testkit.disposition_word(number, 0);
    assertNotEquals(handler, ours, name);
    const why = stays(name);
    if (why === undefined) assert(isSaved(number), name);
    else assertEquals(handler, runtimes, `${name}: ${why}`);
  }
});

test("a handler comes back with its flags and mask", () => {
  const sets = [
    0n,
    SA_SIGINFO | SA_RESTART | SA_ONSTACK,
    SA_NODEFER,
    SA_RESETHAND | SA_ONSTACK,
  ];
  for (const flags of sets) {
    for (const blocked of [0n, mask]) {
      testkit.handler_count(SIGRT8, flags, blocked);
      save();
      const interrupt = new Interrupt({ signal: SIGRT8 });
      raise(SIGRT8);
      interrupt.close();
      assert(isSaved());
    }
  }
  assertEquals(testkit.handled(SIGRT8), 0);
  testkit.handler_count(SIGRT8, 0n, 0n);
  new Interrupt({ signal: SIGRT8 }).close();
  raise(SIGRT8);
  assertEquals(testkit.handled(SIGRT8), 1);
});

test("SIG_DFL and SIG_IGN come back", () => {
  testkit.handler_ignore(SIGRT8);
  save();
  let interrupt = new Interrupt({ signal: SIGRT8 });
  raise(SIGRT8);
  assertEquals(interrupt.pending, SIGRT8);
  interrupt.close();
  assert(isSaved());
  raise(SIGRT8);
  testkit.handler_default(SIGRT8);
  save();
  interrupt = new Interrupt({ signal: SIGRT8 });
  raise(SIGRT8);
  interrupt.close();
  assert(isSaved());
});

test("an inherited SIG_IGN comes back", async () => {
  // Ignored by a shell that starts the program, as nohup(1) does.
  const shell = ["sh", "-c", 'trap "" HUP USR2; exec "$@"', "sh"];
  const program = new URL("./programs/inherited.ts", import.meta.url);
  const { code, stdout, stderr } = await start(program, [], { prefix: shell })
    .ended;
  assertEquals([code, stderr], [0, ""]);
  const words = stdout.trim().split(" ");
  // On Deno the runtime's handler stays, together with a listener, so the signal still has no
  // effect.
  assertEquals(words[1], String(runtime !== "deno"), stdout);
  // Node resets all signals to their defaults when it starts.
  assertEquals(words[0], runtime === "node" ? "default" : "ignored", stdout);
});

test("the installed handler restarts system calls, runs on the alternate stack and gets siginfo", () => {
  using _interrupt = new Interrupt({ signal: SIGRT8 });
  const flags = testkit.disposition_word(SIGRT8, 1);
  const wanted = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  assertEquals(flags & (wanted | SA_RESETHAND | SA_NODEFER), wanted);
});

test("three Interrupts on one signal, closed in any order: the last one restores the disposition", () => {
  const orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [
    2,
    1,
    0,
  ]];
  testkit.handler_count(SIGRT8, SA_NODEFER, mask);
  save();
  for (const order of orders) {
    const counts = [0, 0, 0];
    const expected = [0, 0, 0];
    const interrupts = counts.map((_, index) =>
      new Interrupt({ signal: SIGRT8, callback: () => counts[index]!++ })
    );
    const open = new Set(order);
    for (const index of order) {
      raise(SIGRT8);
      checkpoint();
      for (const other of open) expected[other]!++;
      assertEquals(counts, expected);
      assert(!isSaved());
      interrupts[index]!.close();
      open.delete(index);
    }
    assert(isSaved());
  }
  assertEquals(testkit.handled(SIGRT8), 0);
});

test("an Interrupt that is opened after one of two others was closed shares their hook", () => {
  save();
  const first = new Interrupt({ signal: SIGRT8 });
  const second = new Interrupt({ signal: SIGRT8 });
  first.close();
  const third = new Interrupt({ signal: SIGRT8 });
  second.close();
  raise(SIGRT8);
  assertEquals(third.pending, SIGRT8);
  third.close();
  assert(isSaved());
});

test("a disposition that somebody else put in place of ours stays", () => {
  const interrupt = new Interrupt({ signal: SIGRT8 });
  testkit.handler_count(SIGRT8, SA_RESTART, mask);
  save();
  interrupt.close();
  assert(isSaved());
  raise(SIGRT8);
  assertEquals(testkit.handled(SIGRT8), 1);
});

test("a SIG_IGN that somebody else put in place of ours stays", () => {
  const interrupt = new Interrupt({ signal: SIGRT8 });
  testkit.handler_ignore(SIGRT8);
  save();
  interrupt.close();
  assert(isSaved());
});

test("an Interrupt that opens after a foreign handler was installed restores that handler", () => {
  const before = new Interrupt({ signal: SIGRT8 });
  testkit.handler_count(SIGRT8, SA_RESTART, mask);
  save();
  const after = new Interrupt({ signal: SIGRT8 });
  raise(SIGRT8);
  assertEquals([before.pending, after.pending], [SIGRT8, SIGRT8]);
  before.close();
  assert(!isSaved());
  after.close();
  assert(isSaved());
});

test("`chain` also calls the earlier handler, with its siginfo", () => {
  testkit.handler_count(SIGRT8, SA_SIGINFO | SA_RESTART, 0n);
  const interrupt = new Interrupt({ signal: SIGRT8, chain: true });
  // Our handler, which is now installed, has SA_SIGINFO too.
  raise(SIGRT8);
  raise(SIGRT8);
  assertEquals(interrupt.pending, SIGRT8);
  assertEquals(testkit.handled(SIGRT8), 2);
  assertEquals(testkit.handled_sender(SIGRT8), process.pid);
});

test("without `chain` the earlier handler is not called", () => {
  testkit.handler_count(SIGRT8, SA_SIGINFO | SA_RESTART, 0n);
  const interrupt = new Interrupt({ signal: SIGRT8 });
  raise(SIGRT8);
  assertEquals(interrupt.pending, SIGRT8);
  assertEquals(testkit.handled(SIGRT8), 0);
});

test("`chain` calls the earlier handler once, however many Interrupts want it, as long as one does", () => {
  testkit.handler_count(SIGRT8, 0n, 0n);
  const chained = [1, 2, 3].map(() => new Interrupt({ signal: SIGRT8, chain: true }));
  using _plain = new Interrupt({ signal: SIGRT8 });
  raise(SIGRT8);
  assertEquals(testkit.handled(SIGRT8), 1);
  for (const interrupt of chained) {
    raise(SIGRT8);
    interrupt.close();
  }
  assertEquals(testkit.handled(SIGRT8), 4);
  raise(SIGRT8);
  assertEquals(testkit.handled(SIGRT8), 4);
});

test("`chain` to SIG_DFL and SIG_IGN does nothing", () => {
  for (const set of [testkit.handler_default, testkit.handler_ignore]) {
    set(SIGRT8);
    save();
    const interrupt = new Interrupt({ signal: SIGRT8, chain: true });
    raise(SIGRT8);
    assertEquals(interrupt.pending, SIGRT8);
    interrupt.close();
    assert(isSaved());
  }
});

test("`chain` calls a handler with SA_RESETHAND (installed for one signal only) once", () => {
  testkit.handler_count(SIGRT8, SA_RESETHAND, 0n);
  save();
  const interrupt = new Interrupt({ signal: SIGRT8, chain: true });
  for (let i = 0; i < 3; i++) raise(SIGRT8);
  assertEquals(testkit.handled(SIGRT8), 1);
  assertEquals(interrupt.pending, SIGRT8);
});

test("`chain` to the exit handler that a runtime has on SIGINT does not recurse for ever", async () => {
  const program = new URL("./programs/chain_exit.ts", import.meta.url);
  const { hung } = await start(program, []).ended;
  assertEquals(hung, false);
});

for (const chain of [false, true]) {
  const name = chain ? "with `chain`" : "without `chain`";
  test(`the runtime's own listener hears each signal once while an Interrupt is open, ${name}, and after`, async () => {
    let listened = 0;
    process.on("SIGUSR2", () => listened++);
    save(SIGUSR2);
    const interrupt = new Interrupt({ signal: "SIGUSR2", chain });
    for (let round = 1; round <= 5; round++) {
      const next = interrupt.wait();
      process.kill(process.pid, "SIGUSR2");
      await next;
      await until(() => listened === round);
    }
    interrupt.close();
    assert(isSaved(SIGUSR2));
    process.kill(process.pid, "SIGUSR2");
    await until(() => listened === 6);
    await turn();
    assertEquals(listened, 6);
  });
}

test("`chain` on SIGCHLD leaves the runtime's child processes working", async () => {
  // libuv's handler is installed only while the process has children.
  const { child } = startCommand(["sleep", "60"]);
  const interrupt = new Interrupt({ signal: "SIGCHLD", chain: true });
  const next = interrupt.wait();
  const { code, stdout } = await startCommand(["echo", "hello"]).ended;
  assertEquals([code, stdout], [0, "hello\n"]);
  assertEquals(await next, SIGCHLD);
  child.kill();
});

test("the disposition comes back when the constructor fails", () => {
  save();
  for (
    const bad of [{ pipe: [-1, -1] }, { callback: 5 }, { nativeCallback: 5 }]
  ) {
    try {
      new Interrupt({ signal: SIGRT8, ...bad } as never);
      assert(false, JSON.stringify(bad));
    } catch (error) {
      assertNotEquals((error as Error).name, "AssertionError");
    }
    assert(isSaved());
  }
});

test("SIGKILL and SIGSTOP are rejected and leave all dispositions as they were", () => {
  for (let signal = 1; signal <= 64; signal++) save(signal);
  for (const signal of ["SIGKILL", "SIGSTOP", "SIGSEGV", 32, 33, 34]) {
    try {
      new Interrupt({ signal });
      assert(false, String(signal));
    } catch (error) {
      assertEquals((error as { code: string }).code, "RESERVED_SIGNAL");
    }
  }
  for (let signal = 1; signal <= 64; signal++) {
    // Half a second after its start Deno itself handles USR1.
    if (runtime === "deno" && signal === 10) continue;
    assert(isSaved(signal), `signal ${signal}`);
  }
});
