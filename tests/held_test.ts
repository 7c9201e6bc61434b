/**
 * The kernel may run a signal's handler on any thread, and that thread may be taken off the
 * processor in the middle of it. Here a tracer stops it: it has woken the event loop of the
 * Interrupt, and has not yet passed the signal on to the runtime. On Deno the signal then kills the
 * process, unless the runtime's listener is still there when it comes to it.
 */

import { assertEquals, assertNotEquals } from "@std/assert";
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { once } from "node:events";
import { runtime, testsOf } from "./support/harness.ts";
import { start } from "./support/processes.ts";
import { SIGUSR2 } from "./support/signals.ts";
import { holder, noTracer } from "./support/tracer.ts";

const test = testsOf(import.meta.url);
const program = new URL("./programs/held.ts", import.meta.url);

/** A thread of Deno besides the main one. No thread of its engine waits for this one. */
function otherThread(pid: number): number {
  const other = readdirSync(`/proc/${pid}/task`).find((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/comm`, "utf8") === "tokio-runtime-w\n"
  );
  return Number(other);
}

/** Lets the thread that got the signal go on when the program has printed this line. */
async function survives(where: string, until: string): Promise<void> {
  const { pid, line, ended } = start(program, [where, until === "later" ? until : ""]);
  assertEquals(await line(), "waiting");
  const thread = where === "Worker" ? pid : otherThread(pid);
  const [command, ...args] = holder(pid, thread, SIGUSR2);
  const held = spawn(command!, args, { stdio: ["pipe", "pipe", "inherit"] });
  await once(held.stdout, "data");
  for (let told = ""; told !== until;) assertNotEquals(told = await line(), "");
  held.stdin.end();
  const { code, signal, stderr, hung } = await ended;
  const well = { code: 0, signal: null, stderr: "", hung: false };
  assertEquals({ code, signal, stderr, hung }, well);
}

const options = { skip: noTracer, timeout: 30 };
const onDeno = {
  ...options,
  skip: () =>
    runtime !== "deno" && "only Deno has a thread that certainly nobody waits for" || noTracer(),
};

test(
  "a signal that another thread still passes on kills nobody, when the main thread has heard it with `once`",
  () => survives("main thread", "heard"),
  onDeno,
);

test(
  "a signal that another thread still passes on kills nobody, when a Worker has heard it with `once`",
  () => survives("Worker", "heard"),
  options,
);

test(
  "a Worker does not end while another thread still passes on its signal",
  () => survives("Worker", "later"),
  options,
);
