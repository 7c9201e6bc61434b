/**
 * A program as users write it: it idles for two seconds. Then Interrupts and listeners of the
 * runtime come and go for one signal, in many orders. After each step it asks another process for
 * the signal, and all of them must hear it.
 *
 * Arguments: the signal; `worker` to have the Interrupts in a Worker.
 */

import { createServer } from "node:net";
import process from "node:process";
import { Worker } from "node:worker_threads";
import { Interrupt } from "../../mod.ts";

const signal = process.argv[2] as NodeJS.Signals;
const inWorker = process.argv[3] === "worker";
/** The runtimes do not support listeners for real-time signals. */
const hasListeners = !/^\d+$/.test(signal);

/** Opens and closes Interrupts, and reports which of them have heard a signal. */
interface Interrupts {
  open(name: string): Promise<void>;
  close(name: string): Promise<void>;
}

/** How often each has heard the signal since it came. */
const heard = new Map<string, number>();
const sent = new Map<string, number>();
let changed = () => {};
function hear(who: string) {
  heard.set(who, (heard.get(who) ?? 0) + 1);
  changed();
}

function here(): Interrupts {
  const open = new Map<string, Interrupt>();
  return {
    open(name) {
      const option = hasListeners ? signal : Number(signal);
      const callback = () => hear(name);
      open.set(name, new Interrupt({ signal: option, callback }));
      return Promise.resolve();
    },
    close(name) {
      open.get(name)!.close();
      return Promise.resolve();
    },
  };
}

function there(): Interrupts {
  const url = new URL("./listeners_worker.ts", import.meta.url);
  // Some Workers need a main thread with an agent, which registers listeners for them: on Bun for
  // all signals, on Node for INT and PIPE.
  new Interrupt();
  const worker = new Worker(url, { workerData: signal });
  let done = () => {};
  worker.on("message", (message: { heard?: string; failed?: string }) => {
    if (message.failed) throw new Error(message.failed);
    if (message.heard) hear(message.heard);
    else done();
  });
  const ask = (what: object) =>
    new Promise<void>((resolve) => {
      done = resolve;
      worker.postMessage(what);
    });
  return {
    open: (name) => ask({ open: name }),
    close: (name) => ask({ close: name }),
  };
}

/** The sending process connects here, and acknowledges that it has sent. */
let acknowledged = () => {};
const server = createServer((socket) => {
  socket.on("data", () => acknowledged());
  connected();
});
let connected = () => {};
const connection = new Promise<void>((resolve) => connected = resolve);
server.listen(0, "127.0.0.1", () => {
  console.log(`port ${(server.address() as { port: number }).port}`);
});

const interrupts = inWorker ? there() : here();
const listeners = new Map<string, () => void>();
function listener(name: string): () => void {
  const listener = () => hear(name);
  listeners.set(name, listener);
  return listener;
}

/** I, J: Interrupts; L, M: listeners; `once`, `first` (prepended). */
const orders = [
  "+I +L -L -I",
  "+I +L -I -L",
  "+L +I -I -L",
  "+L +I -L -I",
  "+I once -I",
  "+L +I first -L -first -I",
  "+I +L removeAll -I",
  "+I removeAll +L -I -L",
  "+L +I again -I -L",
  "+I again +L -L -I",
  "+I +J +L -I -L -J",
  "+I +L -L +M -M -I",
  "+I -I +J +L -J -L",
  "+L +M +I -L -I -M",
].filter((order) => hasListeners || !/[LM]|once|removeAll|again/.test(order))
  .concat("+I -I +J +I -J -I");

const present = new Set<string>();

async function step(what: string) {
  const [how, name] = [what[0], what.slice(1)];
  if (what === "once") {
    process.once(signal, listener("once"));
    present.add("once");
  } else if (what === "first") {
    process.prependListener(signal, listener("first"));
    present.add("first");
  } else if (what === "removeAll") {
    process.removeAllListeners(signal);
    for (const name of listeners.keys()) present.delete(name);
  } else if (what === "again") {
    // Packages do this to have a signal for themselves for a while.
    const all = process.rawListeners(signal) as (() => void)[];
    process.removeAllListeners(signal);
    for (const one of all) process.on(signal, one);
  } else if (name === "I" || name === "J") {
    await interrupts[how === "+" ? "open" : "close"](name);
    if (how === "+") present.add(name);
    else present.delete(name);
  } else if (how === "+") {
    process.on(signal, listener(name));
    present.add(name);
  } else {
    process.off(signal, listeners.get(name)!);
    present.delete(name);
  }
}

/** Sends the signal, and returns when each that is present has heard one more. */
async function everybodyHears(when: string) {
  const before = new Map(heard);
  const missing = () => [...present].filter((who) => heard.get(who) === before.get(who));
  const all = new Promise<void>((resolve) => {
    changed = () => {
      if (missing().length === 0) resolve();
    };
  });
  for (const who of present) sent.set(who, (sent.get(who) ?? 0) + 1);
  console.log(`signal ${when}: ${[...present]}`);
  await new Promise<void>((resolve) => acknowledged = resolve);
  await all;
  // A listener may have been called for an earlier signal. The call for this one must not come when
  // the next Interrupt is open, which would hear it too.
  for (let i = 0; i < 2; i++) await new Promise((resolve) => setTimeout(resolve, 0));
  for (const who of ["I", "J"]) {
    // A listener of the runtime may still hear a signal that was sent before the listener came.
    // SIGCHLD also arrives on its own.
    if (signal === "SIGCHLD" || !present.has(who)) continue;
    // For signals in quick succession Deno calls a listener once or twice. At the second call the
    // Interrupts may have been closed and others opened, which then hear the signal again.
    const again = process.versions.deno ? 1 : 0;
    if (heard.get(who)! > sent.get(who)! + again) {
      throw new Error(`${when}: ${who} has heard more than was sent`);
    }
  }
  present.delete("once");
}

function reset(who: string) {
  heard.delete(who);
  sent.delete(who);
}

await connection;
await new Promise((resolve) => setTimeout(resolve, 2000));
for (const order of orders) {
  for (const [index, what] of order.split(" ").entries()) {
    const [how, name] = [what[0], what.slice(1)];
    if (how === "+") reset(name);
    await step(what);
    // Twice, because the first one that they hear may have been sent before they came.
    for (let round = 0; round < 2 && present.size > 0; round++) {
      await everybodyHears(`${order} [${index}]`);
    }
  }
}
console.log("done");
process.exit();
