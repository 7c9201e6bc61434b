import { assertEquals } from "@std/assert";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { checkpoint, EventPipe, type EventPipeOptions, Interrupt } from "../../mod.ts";
import { testkit } from "./testkit.ts";

/** A native event loop that watches an EventPipe, and drains it. */
export interface NativeLoop {
  /** Starts it; it ends when it was woken so often. */
  start(pipe: EventPipe, turns: number): void;
  /** How often it was woken. */
  turns(): number;
  wait(until: () => boolean): void | Promise<void>;
  /** Waits for its end. */
  ended(): void;
}

const rounds = 200;

/**
 * Wakes the loop again and again: by JavaScript, by native threads, and by a POSIX signal that an
 * Interrupt has. A wake that gets lost leaves it waiting for ever.
 *
 * @returns how often it was woken.
 */
export async function wake(loop: NativeLoop, type: EventPipeOptions["type"]): Promise<number> {
  using pipe = new EventPipe({ type });
  const turns = 2 * rounds + 2;
  loop.start(pipe, turns);
  let turn = 0;
  const woken = async () => {
    turn++;
    await loop.wait(() => loop.turns() >= turn);
    // A loop that did not drain would be woken again.
    assertEquals(loop.turns(), turn);
  };
  for (let round = 0; round < rounds; round++) {
    pipe.signal();
    await woken();
  }
  const { func, arg } = pipe.signalFunc();
  testkit.plan(1, 0n);
  for (let round = 0; round < rounds; round++) {
    testkit.thread_join(testkit.thread_call(func, arg));
    await woken();
  }
  const heard: number[] = [];
  using _ = new Interrupt({
    callback: (value) => heard.push(value),
    signal: "SIGUSR2",
    pipe,
    pipeAutodrain: false,
    wake: false,
  });
  for (let round = 0; round < 2; round++) {
    // JavaScript waits here for the other process, and handles no signal meanwhile.
    spawnSync("sh", ["-c", `kill -USR2 ${process.pid}`]);
    await woken();
    checkpoint();
  }
  loop.ended();
  assertEquals(heard, [12, 12]);
  return turn;
}

/** Waits in a busy loop, so that JavaScript's own event loop has no part in it. */
export function busyUntil(condition: () => boolean): void {
  const neverNotified = new Int32Array(new SharedArrayBuffer(4));
  // The native loop may need this processor.
  while (!condition()) Atomics.wait(neverNotified, 0, 0, 0.1);
}
