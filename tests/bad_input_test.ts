import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { checkpoint, EventPipe, Interrupt, InterruptError } from "../mod.ts";
import { assertNoMoreDescriptors, openDescriptors } from "./support/descriptors.ts";
import { runtime, testsOf } from "./support/harness.ts";
import { makePipe, makeSocketpair, readable, testkit } from "./support/testkit.ts";
import { raise } from "./support/senders.ts";
import { SIGUSR2 } from "./support/signals.ts";

const test = testsOf(import.meta.url);

type Failure =
  | ErrorConstructor
  | TypeErrorConstructor
  | RangeErrorConstructor
  | InterruptError["code"];

/**
 * Checks that `use` throws the expected error, that the error names a cause, and that nothing is
 * left behind.
 */
function assertRefuses(use: () => unknown, expected: Failure, what: string) {
  for (let signal = 1; signal <= 64; signal++) {
    testkit.disposition_save(signal, signal);
  }
  const descriptors = openDescriptors();
  if (typeof expected === "string") {
    const error = assertThrows(use, InterruptError, undefined, what);
    assertEquals(error.code, expected, what);
    assert(error.message.length > 20, error.message);
  } else {
    const error = assertThrows(use, expected, undefined, what);
    assert(error.constructor === expected, `${what}: ${error.name}`);
    assert(error.message.length > 20, error.message);
  }
  assertNoMoreDescriptors(descriptors, what);
  for (let signal = 1; signal <= 64; signal++) {
    // Half a second after its start Deno itself handles USR1.
    if (runtime === "deno" && signal === 10) continue;
    assertEquals(testkit.disposition_same(signal, signal), 1, what);
  }
}

function refused(option: string, cases: [value: unknown, expected: Failure][]) {
  new Interrupt().close();
  for (const [value, expected] of cases) {
    const what = `${option}: ${describe(value)}`;
    assertRefuses(
      () => new Interrupt({ [option]: value } as never),
      expected,
      what,
    );
  }
  // The process still works.
  let calls = 0;
  const interrupt = new Interrupt({ signal: 12, callback: () => calls++ });
  raise(SIGUSR2);
  checkpoint();
  interrupt.signal();
  assertEquals(calls, 2);
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(describe)}]`;
  return typeof value === "string"
    ? `"${value}"`
    : `${typeof value} ${typeof value === "object" && value ? Object.keys(value) : String(value)}`;
}

test("`signal` rejects anything that is not a signal", () => {
  refused("signal", [
    [-1, RangeError],
    [0, RangeError],
    [65, RangeError],
    [4096, RangeError],
    [NaN, RangeError],
    [1.5, RangeError],
    [Infinity, RangeError],
    [2 ** 32 + 12, RangeError],
    ["SIGFOO", RangeError],
    ["", RangeError],
    ["12", RangeError],
    ["SIGRTMIN+99", RangeError],
    [12n, TypeError],
    [null, TypeError],
    [{}, TypeError],
    [["SIGINT"], TypeError],
    [true, TypeError],
  ]);
});

test("`signal` rejects signals that cannot be caught, and names the reason", () => {
  const names = [
    "SIGKILL",
    "SIGSTOP",
    "SIGSEGV",
    "SIGBUS",
    "SIGILL",
    "SIGFPE",
    "SIGTRAP",
    "SIGSYS",
    "SIGABRT",
    "SIGRTMIN",
  ];
  refused("signal", [
    ...names.map((name): [string, Failure] => [name, "RESERVED_SIGNAL"]),
    ...[9, 19, 11, 32, 33, 34].map((
      n,
    ): [number, Failure] => [n, "RESERVED_SIGNAL"]),
  ]);
  const error = assertThrows(
    () => new Interrupt({ signal: 9 }),
    InterruptError,
  );
  assert(error.message.includes("SIGKILL"), error.message);
});

test("`callback` rejects anything that is not a function", () => {
  refused("callback", [
    [null, TypeError],
    [5, TypeError],
    ["callback", TypeError],
    [{}, TypeError],
    [true, TypeError],
  ]);
});

test("`nativeCallback` rejects anything that is not a function in executable memory", () => {
  const func = testkit.callback_address();
  const arg = 0n;
  refused("nativeCallback", [
    [null, TypeError],
    [5, TypeError],
    [func, TypeError],
    [() => {}, TypeError],
    [{}, TypeError],
    [{ func }, TypeError],
    [{ arg }, TypeError],
    [{ func: Number(func), arg }, TypeError],
    [{ func, arg: 0 }, TypeError],
    [{ func: -1n, arg }, TypeError],
    [{ func, arg: 2n ** 64n }, TypeError],
    [{ func: 0n, arg }, RangeError],
    [{ func: 1n, arg }, RangeError],
    [{ func: 0xdeadbeefn, arg }, RangeError],
    [{ func: 2n ** 64n - 1n, arg }, RangeError],
    // Data, not code.
    [{ func: testkit.data_address(), arg }, RangeError],
  ]);
});

test("`pipe` rejects anything that is not a pair of descriptors", () => {
  const [readFd, writeFd] = makePipe();
  refused("pipe", [
    [null, TypeError],
    [5, TypeError],
    ["pipe", TypeError],
    [{}, TypeError],
    [[], TypeError],
    [[readFd], TypeError],
    [[readFd, writeFd, writeFd], TypeError],
    [[`${readFd}`, `${writeFd}`], TypeError],
    [[BigInt(readFd), BigInt(writeFd)], TypeError],
    [[-1, -1], "BAD_FD"],
    [[readFd, -1], "BAD_FD"],
    [[-1, writeFd], "BAD_FD"],
    [[readFd, 1_000_000], "BAD_FD"],
    [[2 ** 32 + readFd, 2 ** 32 + writeFd], "BAD_FD"],
    [[readFd + 0.5, writeFd], "BAD_FD"],
    [[NaN, NaN], "BAD_FD"],
  ]);
});

test("`pipe` rejects closed, blocking and swapped descriptors", () => {
  const closed = makePipe();
  closed.forEach(testkit.close);
  const blocking = makePipe({ nonblocking: false });
  const good = makePipe();
  refused("pipe", [
    [closed, "BAD_FD"],
    [[good[0], closed[1]], "BAD_FD"],
    [blocking, "BAD_FD"],
    [[good[0], blocking[1]], "BAD_FD"],
    [[blocking[0], good[1]], "BAD_FD"],
    [[good[1], good[0]], "BAD_FD"],
    [[good[0], good[0]], "BAD_FD"],
    [[good[1], good[1]], "BAD_FD"],
  ]);
  assert(!readable(good[0]));
});

test("`pipe` rejects a closed EventPipe", () => {
  const pipe = new EventPipe();
  pipe.close();
  refused("pipe", [[pipe, "CLOSED"]]);
});

test("the error for a blocking descriptor says what to do", () => {
  const pipe = makePipe({ nonblocking: false });
  const error = assertThrows(() => new Interrupt({ pipe }), InterruptError);
  assert(error.message.includes("O_NONBLOCK"), error.message);
});

test("the constructor rejects options that are not an object", () => {
  for (const options of [null, 5, "SIGINT", true, 1n]) {
    assertRefuses(
      () => new Interrupt(options as never),
      TypeError,
      String(options),
    );
  }
});

test("several bad options at once leave nothing behind", () => {
  new Interrupt().close();
  const pipe = makePipe();
  const bad = { func: 0xdeadbeefn, arg: 0n };
  assertRefuses(
    () => new Interrupt({ signal: 12, pipe, nativeCallback: bad }),
    RangeError,
    "signal, pipe, bad nativeCallback",
  );
  assertRefuses(
    () => new Interrupt({ signal: "SIGKILL", pipe }),
    "RESERVED_SIGNAL",
    "SIGKILL with a pipe",
  );
  assertRefuses(
    () => new Interrupt({ signal: 12, pipe: [pipe[1], pipe[0]] }),
    "BAD_FD",
    "signal with swapped descriptors",
  );
});

const values: [value: unknown, expected: Failure][] = [
  [2 ** 31, RangeError],
  [-(2 ** 31) - 1, RangeError],
  [2 ** 33, RangeError],
  [Number.MAX_SAFE_INTEGER, RangeError],
  [1.5, TypeError],
  [NaN, TypeError],
  ["1", TypeError],
  [1n, TypeError],
  [null, TypeError],
  [true, TypeError],
  [{}, TypeError],
  [Symbol("1"), TypeError],
];

test("`signal()` and `Interrupt.signal()` name the type of a value that is not a number", () => {
  using interrupt = new Interrupt();
  const uses = [
    (value: unknown) => interrupt.signal(value as never),
    (value: unknown) => Interrupt.signal(interrupt.signalFunc(), value as never),
  ];
  for (const use of uses) {
    for (const value of ["5", 5n, true, Symbol("5"), {}]) {
      assertThrows(
        () => use(value),
        TypeError,
        `value must be a number, not ${typeof value}`,
      );
    }
    assertThrows(() => use(null), TypeError, "not null");
  }
});

test("`wait()` rejects options that are invalid", async () => {
  using interrupt = new Interrupt();
  const cases: [options: unknown, message: string][] = [
    [null, "options must be an object, not null"],
    [5, "options must be an object, not number"],
    ["5", "options must be an object, not string"],
    [{ signal: 5 }, "signal must be an AbortSignal"],
    [{ signal: null }, "signal must be an AbortSignal"],
    [{ signal: {} }, "signal must be an AbortSignal"],
  ];
  for (const [options, message] of cases) {
    const error = await interrupt.wait(options as never).then(String, String);
    assertStringIncludes(error, `TypeError: Cannot wait: ${message}`);
  }
});

test("setters that take a boolean store a boolean", () => {
  using interrupt = new Interrupt(
    { signalHysteresis: 1, pipeAutodrain: 0 } as never,
  );
  const { signalHysteresis, pipeAutodrain } = interrupt;
  assertEquals([signalHysteresis, pipeAutodrain], [true, false]);
  interrupt.signalHysteresis = "" as never;
  interrupt.pipeAutodrain = "on" as never;
  assertEquals(interrupt.signalHysteresis, false);
  assertEquals(interrupt.pipeAutodrain, true);
});

test("`signal()` rejects anything that is not an int32", () => {
  let calls = 0;
  const interrupt = new Interrupt({ callback: () => calls++ });
  for (const [value, expected] of values) {
    const what = describe(value);
    assertThrows(
      () => interrupt.signal(value as never),
      expected as ErrorConstructor,
      undefined,
      what,
    );
    assertEquals([interrupt.pending, calls], [0, 0], what);
  }
});

test("`Interrupt.signal()` rejects anything that is not an int32", () => {
  const interrupt = new Interrupt();
  const target = interrupt.signalFunc();
  for (const [value, expected] of values) {
    assertThrows(
      () => Interrupt.signal(target, value as never),
      expected as ErrorConstructor,
      undefined,
      describe(value),
    );
    assertEquals(interrupt.pending, 0);
  }
});

test("after `close()` every method that acts throws CLOSED", () => {
  const interrupt = new Interrupt({ signal: 12 });
  void interrupt.pipeFileno;
  interrupt.close();
  const uses: (() => unknown)[] = [
    () => interrupt.signal(),
    () => interrupt.handle(),
    () => interrupt.block(),
    () => interrupt.unblock(),
    () => interrupt.scopeBlock(),
    () => interrupt.signalFunc(),
    () => interrupt.blockFunc(),
    () => interrupt.unblockFunc(),
    () => interrupt.cVar,
    () => interrupt.buffer,
    () => interrupt.signalHysteresis = true,
    () => interrupt.pipeFileno,
    () => interrupt.pipeEnable(),
    () => interrupt.pipeDisable(),
    () => interrupt.pipeAutodrain = false,
    () => interrupt.pipeDrain(),
    () => interrupt.postFork(),
    () => interrupt[Symbol.asyncIterator](),
    () => interrupt.ref(),
  ];
  for (const use of uses) {
    const error = assertThrows(use, InterruptError, undefined, String(use));
    assertEquals(error.code, "CLOSED", String(use));
    assertEquals(error.name, "InterruptError");
  }
  interrupt.close();
  interrupt[Symbol.dispose]();
  assertEquals([interrupt.closed, interrupt.pending], [true, 0]);
});

test("native functions do nothing with arguments that were never given out", () => {
  const interrupt = new Interrupt();
  const pipe = new EventPipe();
  const functions = [
    interrupt.blockFunc(),
    interrupt.unblockFunc(),
    pipe.signalFunc(),
    pipe.drainFunc(),
  ];
  const forged = [
    0n,
    1n,
    999_999n,
    1n << 32n,
    1n << 63n,
    2n ** 64n - 1n,
    5n << 32n | 1n,
  ];
  for (const arg of forged) {
    testkit.call_value(interrupt.signalFunc().func, arg, 1);
    for (const { func } of functions) testkit.call(func, arg);
  }
  assertEquals([interrupt.pending, interrupt.blocked], [0, false]);
  assertEquals(pipe.wait(0), false);
});

test("with too few descriptors left the constructors say so and leave nothing behind", () => {
  new Interrupt({ signal: 12 }).close();
  new EventPipe().close();
  const given = makeSocketpair();
  const taken: number[] = [];
  for (;;) {
    const fd = testkit.eventfd();
    if (fd < 0) break;
    taken.push(fd);
  }
  const uses: (() => unknown)[] = [
    () => new EventPipe(),
    () => new Interrupt().pipeFileno,
    () => new Interrupt({ signal: 12, pipe: given }),
  ];
  const errors = uses.map((use) => {
    try {
      return use();
    } catch (error) {
      return (error as InterruptError).code;
    }
  });
  for (const fd of taken) testkit.close(fd);
  assertEquals(errors, ["SYSTEM", "SYSTEM", "SYSTEM"]);
  testkit.disposition_save(12, 0);
  new Interrupt({ signal: 12, pipe: given }).close();
  assertEquals(testkit.disposition_same(12, 0), 1);
});

/** What is wrong with the options, as a user reads it. */
function told(use: () => unknown): string {
  assertRefuses(use, TypeError, String(use));
  return assertThrows(use, TypeError).message;
}

// cspell:ignore callbck sginal rethorw Erorr

test("an option that there is not throws a TypeError that names the nearest, and leaves nothing behind", () => {
  new Interrupt().close();
  const nearest = {
    callbck: "callback",
    Callback: "callback",
    sginal: "signal",
    signals: "signal",
    rethorw: "rethrow",
    onerror: "onError",
    onErorr: "onError",
    signal_hysteresis: "signalHysteresis",
    pipe_autodrain: "pipeAutodrain",
    onces: "once",
    pip: "pipe",
    nativeCallBack: "nativeCallback",
    chains: "chain",
  };
  for (const [wrong, meant] of Object.entries(nearest)) {
    const message = told(() => new Interrupt({ signal: 12, [wrong]: undefined } as never));
    assertStringIncludes(message, `"${wrong}"`);
    assertStringIncludes(message, `"${meant}"?`);
  }
});

test("an option that is like no other throws a TypeError that names all options", () => {
  new Interrupt().close();
  for (const wrong of ["x", "hysteresisOfSignal", "", "__proto", "toString", "constructor"]) {
    const message = told(() => new Interrupt({ [wrong]: 1 } as never));
    for (const name of ["callback", "signal", "once", "wake", "onError"]) {
      assertStringIncludes(message, name);
    }
  }
});

test("symbols and inherited properties are no options", () => {
  class Options {
    callback = () => {};
    get extra() {
      return 1;
    }
  }
  Object.assign(Options.prototype, { more: 1 });
  new Interrupt(Object.assign(new Options(), { [Symbol("note")]: 1 })).close();
});

test("`wait()`, `Interrupt.on()` and `Interrupt.once()` refuse options that there are not", async () => {
  const interrupt = new Interrupt();
  const wrong = { sginal: new AbortController().signal } as never;
  const error = await assertRejects(() => interrupt.wait(wrong), TypeError);
  const same = await assertRejects(() => Interrupt.once("SIGUSR2", wrong), TypeError);
  const messages = [error.message, same.message, told(() => Interrupt.on("SIGUSR2", wrong))];
  for (const message of messages) {
    assertStringIncludes(message, '"sginal"');
    assertStringIncludes(message, '"signal"?');
  }
  const none = { reason: 1 } as never;
  assertStringIncludes(told(() => Interrupt.on("SIGUSR2", none)), "it is signal");
});

test("`onError` rejects anything that is not a function", () => {
  refused("onError", [
    [null, TypeError],
    [5, TypeError],
    ["console", TypeError],
    [{}, TypeError],
  ]);
});
