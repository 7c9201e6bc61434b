import { assertEquals } from "@std/assert";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";
import { pipeKinds } from "../ffi/symbols.ts";
import { checkpoint, EventPipe, Interrupt } from "../mod.ts";
import { type Reason, runtime, testsOf, until } from "./support/harness.ts";
import { plainCommand, startCommand } from "./support/processes.ts";
import { busyUntil, type NativeLoop, wake } from "./support/native_loops.ts";
import { pathOf, testkit } from "./support/testkit.ts";
import { allowAll, UserProgram } from "./support/user_program.ts";

const test = testsOf(import.meta.url);

/** The loops of testkit.zig, which are those of docs/event_loops.md. */
const loops = ["poll(2)", "epoll(7)", "epoll(7), edge-triggered,"];

for (const [loop, name] of loops.entries()) {
  for (const type of pipeKinds) {
    test(`${name} in a native thread is woken by an EventPipe of type ${type}`, async () => {
      await wake(inThread(loop), type);
    });
  }

  test(`${name} that blocks JavaScript's thread is woken by another thread`, () => {
    using pipe = new EventPipe();
    const heard: number[] = [];
    using interrupt = new Interrupt({
      callback: (value) => heard.push(value),
      pipe,
      pipeAutodrain: false,
    });
    const { func, arg } = interrupt.signalFunc();
    testkit.plan(1, 5_000_000n);
    testkit.plan_values(7, 0);
    const thread = testkit.thread_signal(func, arg);
    drainBy(pipe);
    assertEquals(testkit.loop_run(loop, pipe.fileno, 1), 0);
    checkpoint();
    assertEquals(heard, [7]);
    testkit.thread_join(thread);
  });
}

function inThread(loop: number): NativeLoop {
  let thread: number;
  return {
    start(pipe, turns) {
      drainBy(pipe);
      thread = testkit.thread_loop(loop, pipe.fileno, turns);
    },
    turns: () => testkit.loop_turns(),
    wait: busyUntil,
    ended: () => assertEquals(testkit.thread_join(thread), 0),
  };
}

function drainBy(pipe: EventPipe) {
  const { func, arg } = pipe.drainFunc();
  testkit.loop_drain(func, arg);
}

/** The addon of uv_poll.zig. */
interface UvPoll {
  uv_poll_expect(turns: number): void;
  uv_poll_watch(fd: number, func: bigint, arg: bigint): number;
  uv_poll_turns(): number;
}

const noUvPoll: Reason = runtime === "bun"
  ? "Bun ends the process: unsupported uv function: uv_poll_init"
  : /^2\.([0-7]\.|8\.[01]$)/.test(process.versions.deno ?? "") &&
    "Deno before 2.8.2 exports no uv_poll_init";

for (const type of pipeKinds) {
  test(`libuv's \`uv_poll_t\` is woken by an EventPipe of type ${type}`, async () => {
    const addon = createRequire(import.meta.url)(
      pathOf(`uv_poll-${process.platform}-${process.arch}.node`),
    ) as UvPoll;
    await wake({
      start(pipe, turns) {
        addon.uv_poll_expect(turns);
        const { func, arg } = pipe.drainFunc();
        assertEquals(addon.uv_poll_watch(pipe.fileno, func, arg), 0);
      },
      turns: () => addon.uv_poll_turns(),
      wait: until,
      ended: () => {},
    }, type);
  }, { skip: noUvPoll });
}

/** The programs of docs/event_loops.md in JavaScript, as their reader runs them. */
const programs = {
  "net.Socket": runtime === "bun" && "net.Socket of Bun takes no descriptor",
  "Bun.connect": runtime !== "bun" && "Bun's own API",
};

for (const [name, skip] of Object.entries(programs)) {
  test(
    `the program of docs/event_loops.md with \`${name}\` is woken, and ends by itself`,
    async () => {
      const docs = readFileSync(new URL("../docs/event_loops.md", import.meta.url), "utf8");
      const section = docs.split(/^## /m).find((section) => section.startsWith(name))!;
      const [, example] = /^```js.*\n([^]*?)^```$/m.exec(section)!;
      const user = new UserProgram();
      user.placeOurs();
      writeFileSync(
        user.file,
        example!.replace(/"(@async\/|async-)interrupt"/, `"${user.module}"`),
      );
      const { code, signal, hung, stdout, stderr } = await startCommand([
        ...plainCommand(allowAll),
        user.file,
      ]).ended;
      assertEquals({ code, signal, hung, stdout, stderr }, {
        code: 0,
        signal: null,
        hung: false,
        stdout: "woken\n",
        stderr: "",
      });
    },
    { skip },
  );
}
