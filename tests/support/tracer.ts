/** The commands of tracer.zig, which executes a handler step by step, or stops inside of it. */

import { spawnSync } from "node:child_process";
import { cpu } from "../../ffi/runtime.ts";
import type { Reason } from "./harness.ts";
import { pathOf, testkit } from "./testkit.ts";

/**
 * The command `tracer`: executes this thread's next handler for a signal step by step; see
 * tracer.zig. With 0 it only tries whether it may.
 */
export function tracer(signal: number): string[] {
  testkit.allow_tracing();
  return [pathOf("tracer"), `${testkit.pid()}`, `${testkit.tid()}`, `${signal}`];
}

/**
 * It is asked once. If it fails for any reason but a missing permission, the tests fail and are not
 * skipped.
 */
let refusal: Reason | undefined;

/** Why the tracer cannot be used. */
export function noTracer(): Reason {
  if (cpu !== "x64") return "tracer.zig reads the registers of x64";
  if (refusal === undefined) {
    const [command, ...args] = tracer(0);
    const { status, error, stderr } = spawnSync(command!, args);
    if (status !== 0 && status !== 77) {
      throw error ?? new Error(`The tracer ended with ${status}: ${stderr}`);
    }
    refusal = status !== 0 && "ptrace(2) is not permitted here";
  }
  return refusal;
}

/**
 * The command `tracer` that sends a signal to a thread of any process, and stops that thread in the
 * handler.
 */
export function holder(pid: number, thread: number, signal: number): string[] {
  return [pathOf("tracer"), `${pid}`, `${thread}`, `${signal}`, "hold"];
}
