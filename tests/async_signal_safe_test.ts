import { assert, assertEquals, assertLess } from "@std/assert";
import { checkpoint, Interrupt, type InterruptOptions } from "../mod.ts";
import { withWakeSocket } from "./support/descriptors.ts";
import { noWakeSocket, type Reason, runtime, testsOf, turn, until } from "./support/harness.ts";
import { startCommand } from "./support/processes.ts";
import { makePipe, makeSocketpair, readable, symbolAt, testkit } from "./support/testkit.ts";
import { noTracer, tracer } from "./support/tracer.ts";
import { SIGRT8 } from "./support/signals.ts";

const register = testsOf(import.meta.url);

/** x86-64 system call numbers; all of these calls are async-signal-safe. */
const call = {
  write: 1,
  rt_sigaction: 13,
  getpid: 39,
  sendto: 44,
  gettid: 186,
  rt_tgsigqueueinfo: 297,
};

/**
 * How much of Deno's alternate stack the handler may use: that stack has 8 KiB, of which the
 * kernel's frame takes up to 3.
 */
const stackLimit = 1024;

function test(name: string, body: () => unknown, skip: Reason = false) {
  register(name, body, { skip: () => noTracer() || skip });
}

interface Trace {
  /** Bytes below the kernel's frame. */
  stack: number;
  /** Numbers of its system calls. */
  calls: number[];
  /** The first argument of each call; for calls that write it is the descriptor. */
  firsts: number[];
  /** The addresses in other objects than the library at which it entered them. */
  entered: [address: string, object: string][];
}

/**
 * Sends the signal to this thread while its event loop is idle, and executes the handler one
 * instruction at a time.
 */
async function trace(): Promise<Trace> {
  const { code, stdout, stderr } = await startCommand(tracer(SIGRT8)).ended;
  assertEquals([code, stderr], [0, ""]);
  return JSON.parse(stdout);
}

/**
 * uv_async_send(3) is documented as async-signal-safe. It calls write(2), which glibc also names
 * __write. The macro errno calls __errno_location.
 */
const libuv = ["__errno_location", "uv_async_send", "write", "__write"];

/** Checks that a handler makes only these system calls and calls only these foreign functions. */
function assertSafe(
  { stack, calls, entered }: Trace,
  allowedCalls: number[],
  allowedNames: string[] = [],
) {
  const names = entered.map(([address, object]) =>
    symbolAt(BigInt(address)) ?? `${address} of ${object}`
  );
  const foreign = names.filter((name) => !allowedNames.includes(name));
  assertEquals(foreign, []);
  assertEquals(calls, allowedCalls);
  assertLess(stack, stackLimit);
  // A handler that was not traced at all would pass the checks above.
  assert(stack > 0);
}

function open(options: InterruptOptions) {
  return new Interrupt({ signal: SIGRT8, wake: false, ...options });
}

test("a handler without wake makes no system call and calls nobody", async () => {
  const interrupt = open({});
  assertSafe(await trace(), []);
  assertEquals(interrupt.pending, SIGRT8);
  assertSafe(await trace(), []);
});

test("a handler signals any number of Interrupts in the same way", async () => {
  // More Interrupts than fit into one of the hook's lists.
  const interrupts = Array.from({ length: 8 }, () => open({}));
  assertSafe(await trace(), []);
  for (const interrupt of interrupts) assertEquals(interrupt.pending, SIGRT8);
});

test("a handler wakes the event loop by one async-signal-safe call", async () => {
  const values: number[] = [];
  open({ wake: true, callback: (value) => values.push(value) });
  // The wake is only set up in the next turn.
  await turn();
  for (let round = 1; round <= 3; round++) {
    const traced = await trace();
    assertEquals(values.length, round);
    if (runtime === "node") assertSafe(traced, [call.write], libuv);
    else assertSafe(traced, [call.sendto]);
  }
});

test("a handler writes to each kind of pipe by one system call", async () => {
  const eventfd = testkit.eventfd();
  const pipes: [InterruptOptions["pipe"], number][] = [
    [undefined, call.write],
    [makePipe(), call.write],
    [makeSocketpair(), call.sendto],
    [[eventfd, eventfd], call.write],
  ];
  for (const [pipe, number] of pipes) {
    using interrupt = open({ pipe });
    assert(interrupt.pipeFileno >= 0);
    assertSafe(await trace(), [number]);
    assertSafe(await trace(), []);
  }
});

test("a handler writes to a pipe without autodrain by one system call, even when the pipe is full", async () => {
  const [readFd, writeFd] = makePipe();
  const interrupt = open({ pipe: [readFd, writeFd], pipeAutodrain: false });
  for (let round = 0; round < 3; round++) {
    assertSafe(await trace(), [call.write]);
    assertSafe(await trace(), []);
    interrupt.handle();
    assert(readable(readFd));
    if (round === 1) testkit.fill(writeFd);
  }
});

for (
  const [drained, pipeAutodrain, order] of [
    ["drained before the callback", true, ["pipe", "wake"]],
    // A watcher that drains the pipe and then scans must find the record listed.
    ["not drained", false, ["wake", "pipe"]],
  ] as const
) {
  test(`a handler writes to a pipe that is ${drained} and wakes the event loop, ${order[0]} first, with one system call each`, async () => {
    const values: number[] = [];
    const interrupt = open({
      wake: true,
      pipeAutodrain,
      callback: (value) => values.push(value),
    });
    const pipe = interrupt.pipeFileno;
    await turn();
    for (let round = 1; round <= 3; round++) {
      const traced = await trace();
      await until(() => values.length === round);
      const waking = runtime === "node" ? call.write : call.sendto;
      assertSafe(
        traced,
        order.map((name) => name === "pipe" ? call.write : waking),
        runtime === "node" ? libuv : [],
      );
      assertEquals(
        traced.firsts.map((fd) => fd === pipe ? "pipe" : "wake"),
        [...order],
      );
      assertEquals(readable(pipe), !pipeAutodrain);
    }
  });
}

const failures: Record<
  string,
  (ends: { readFd: number; writeFd: number }) => void
> = {
  "whose write side foreign code closed": ({ writeFd }) => testkit.close(writeFd),
  "whose write side is a foreign pipe": ({ writeFd }) => testkit.replace(makePipe()[1], writeFd),
  // Must not raise SIGPIPE.
  "whose read side is a foreign pipe": ({ readFd }) => testkit.replace(makePipe()[0], readFd),
};
for (const [what, fail] of Object.entries(failures)) {
  test(
    `a handler whose wake fails, by a socket ${what}, tries once per signal and goes on`,
    async () => {
      const values: number[] = [];
      Interrupt.onError = () => {};
      // Keeps low numbers for the tracer's pipes, so that they do not get the number of the closed
      // socket.
      const lower = Array.from({ length: 64 }, () => testkit.eventfd());
      const { opened: interrupt, readFd, writeFd } = withWakeSocket(() =>
        open({ wake: true, callback: (value) => values.push(value) })
      );
      for (const fd of lower) testkit.close(fd);
      await turn();
      fail({ readFd, writeFd });
      for (let round = 1; round <= 3; round++) {
        const traced = await trace();
        assertSafe(traced, [call.sendto]);
        assertEquals(traced.firsts, [writeFd]);
        // The event loop has not turned.
        assertEquals([interrupt.pending, values.length], [SIGRT8, round - 1]);
        assertSafe(await trace(), []);
        checkpoint();
        assertEquals(values.length, round);
      }
    },
    noWakeSocket,
  );
}

test("a handler with hysteresis makes the kernel ignore its signal by one system call", async () => {
  using interrupt = open({ signalHysteresis: true });
  assertSafe(await trace(), [call.rt_sigaction]);
  assertEquals(interrupt.pending, SIGRT8);
});

test("a handler with `chain` calls the earlier handler and nobody else", () => assertChains([]));

test("a handler with `chain` asks for its thread if the earlier handler was installed over ours", () => {
  open({});
  return assertChains([call.gettid]);
});

async function assertChains(calls: number[]) {
  testkit.handler_count(SIGRT8, 0n, 0n);
  const earlier = testkit.disposition_word(SIGRT8, 0);
  using interrupt = open({ chain: true });
  const { entered, ...traced } = await trace();
  assertEquals(entered.map(([address]) => BigInt(address)), [earlier]);
  assertSafe({ ...traced, entered: [] }, calls);
  assertEquals([interrupt.pending, testkit.handled(SIGRT8)], [SIGRT8, 1]);
}

test("a handler that runs after the last Interrupt was closed sends the signal again, by async-signal-safe calls", async () => {
  const interrupt = open({});
  const ours = testkit.disposition_word(SIGRT8, 0);
  interrupt.close();
  // Enter our handler as the kernel would have done a moment before.
  testkit.handler_forward(SIGRT8, ours, BigInt(SIGRT8));
  const traced = await trace();
  const { rt_sigaction, getpid, gettid, rt_tgsigqueueinfo } = call;
  const calls = [rt_sigaction, getpid, gettid, rt_tgsigqueueinfo];
  assertSafe({ ...traced, entered: [] }, calls);
});
