/**
 * `sender.ts <way> <calls>`: what it costs a thread to call into a JavaScript thread. That thread
 * is busy all the time, or, where callers wait for an answer, it is in its event loop.
 */

import { createRequire } from "node:module";
import { Socket } from "node:net";
import process from "node:process";
import {
  file,
  finish,
  kit,
  type NativeFunction,
  peers,
  running,
  threadsafeFunction,
} from "./benchkit.ts";
import { postMessages } from "./post.ts";

const [way] = process.argv.slice(2);
const calls = Number(process.argv[3]);
/** Nanoseconds. */
const limit = 250_000_000n;

/** The function to call, and what the JavaScript thread does meanwhile. */
interface Way {
  target: NativeFunction;
  /** One turn of the busy loop. */
  turn?: () => void;
  /**
   * JavaScript is in its event loop instead. Each call waits for an answer, or this measures the
   * cost when no calls pile up.
   */
  serves?: boolean;
  /** Whether this is this project's way. */
  ours?: boolean;
  /** Starts the threads, where start(target) does not. */
  start?: () => void;
}

let callbacks = 0;
const callback = () => {
  callbacks++;
};
const require = createRequire(peers);

const ways: Record<string, () => Way | Promise<Way>> = {
  async pending() {
    const { Interrupt } = await import("../../mod.ts");
    return { target: new Interrupt({ callback }).signalFunc(), ours: true };
  },
  async polling() {
    const { checkpoint, Interrupt } = await import("../../mod.ts");
    const target = new Interrupt({ callback }).signalFunc();
    return { target, turn: checkpoint, ours: true };
  },
  tsfn: () => ({ target: threadsafeFunction(callback) }),
  tsfnServed: () => ({ target: threadsafeFunction(callback), serves: true }),
  pipe() {
    const ends = kit.pipe();
    listen(Number(ends & 0xffffffffn));
    return { target: { func: kit.write_address(), arg: ends >> 32n } };
  },
  koffi() {
    const koffi = require("koffi");
    const type = koffi.proto("void callback(size_t arg, int value)");
    const pointer = koffi.register(callback, koffi.pointer(type));
    return {
      target: { func: koffi.address(pointer), arg: 0n },
      serves: true,
    };
  },
  ffirs() {
    const { DataType, funcConstructor, load, open } = require("ffi-rs");
    open({ library: "benchkit", path: file });
    const type = funcConstructor({
      paramsType: [DataType.I64, DataType.I32],
      retType: DataType.Void,
    });
    const start = () =>
      load({
        library: "benchkit",
        funcName: "benchkit_start",
        retType: DataType.Void,
        paramsType: [type, DataType.I64],
        paramsValue: [callback, 0],
      });
    return { target: { func: 0n, arg: 0n }, start };
  },
  deno() {
    const { pointer } = Deno.UnsafeCallback.threadSafe(
      { parameters: ["u64", "i32"], result: "void" },
      callback,
    );
    const func = Deno.UnsafePointer.value(pointer);
    return { target: { func, arg: 0n }, serves: true };
  },
  async bun() {
    const module = "bun:ffi";
    const { JSCallback } = await import(module);
    const { ptr } = new JSCallback(callback, {
      args: ["u64", "i32"],
      returns: "void",
      threadsafe: true,
    });
    return { target: { func: BigInt(ptr), arg: 0n } };
  },
};

/** JavaScript reads the pipe whenever its event loop turns. */
function listen(fd: number): void {
  if (process.versions.bun) {
    const { Bun } = globalThis as unknown as {
      Bun: { file(fd: number): { stream(): AsyncIterable<Uint8Array> } };
    };
    (async () => {
      for await (const _ of Bun.file(fd).stream()) callback();
    })();
  } else {
    new Socket({ fd, readable: true, writable: false }).on("data", callback);
  }
}

/** Runs until all threads are done. */
async function serve({ turn, serves }: Way): Promise<void> {
  if (serves) {
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        if (running()) return;
        clearInterval(timer);
        resolve();
      }, 1);
    });
  } else if (turn) { while (running()) turn(); }
  else while (running());
  kit.join();
}

/** Runs the plan to its end and returns the figures of benchkit.zig's result(). */
async function run(how: Way, threads: number, calls: number) {
  const { func, arg } = how.target;
  kit.plan(threads, calls, limit);
  if (how.start) how.start();
  else kit.start(func, arg);
  await serve(how);
  const figure = (which: number) => Number(kit.result(which));
  return {
    done: figure(0),
    part: figure(1),
    ns: figure(2),
    systemCalls: figure(3),
    grown: figure(5) - figure(4),
  };
}

async function measure(): Promise<Record<string, number>> {
  const how = await ways[way!]!();
  // The runtime starts to read the pipe in the next turn.
  await new Promise((resolve) => setTimeout(resolve));
  if (way === "pending") {
    // The first signal wakes the event loop, which costs more. This measures those after it.
    kit.target(how.target.func, how.target.arg);
    kit.signal_target(1);
  }
  // Memory grows while the engine compiles the loop, so compile it first.
  if (how.turn) await run(how, 1, calls);

  const one = await run(how, 1, calls);
  const four = await run(how, 4, calls / 4);
  const canCount = kit.count_system_calls(1) === 1;
  // Counting makes each system call slow, so count fewer calls; not for ours, which make none.
  const counted = await run(how, 1, how.ours ? calls : 2000);
  return {
    ns: one.part / 1000,
    four: four.ns / four.done,
    // Queued calls are scaled to five million. Calls that wait for an answer do not pile up.
    grown: one.grown * (how.serves ? 1 : 5e6 / one.done) / 1e6,
    systemCalls: canCount ? counted.systemCalls / counted.done : NaN,
    calls: one.done,
    callbacks,
  };
}

finish(way === "postMessage" ? await postMessages(calls) : await measure());
