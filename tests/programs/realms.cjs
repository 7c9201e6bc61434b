/**
 * Evaluates the package in several realms of one thread, one after another, as jest does. Needs
 * `--expose-gc` and the path of the package. Prints what is left after all of them were collected.
 */

const { readdirSync, readFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { getHeapStatistics } = require("node:v8");
const { createContext, Script } = require("node:vm");

const [, , file, count] = process.argv;
const script = new Script(
  `(function (require, module, exports, __filename) {${readFileSync(file, "utf8")}\n})`,
);

/** The globals that a realm of Node has besides those of the language. */
const { Buffer, URL, TextDecoder, TextEncoder, atob, console } = globalThis;
const globals = { Buffer, URL, TextDecoder, TextEncoder, atob, console };

function evaluate() {
  const module = { exports: {} };
  const context = createContext({ ...globals, process });
  script.runInContext(context)(createRequire(file), module, module.exports, file);
  return module.exports;
}

function left() {
  const status = readFileSync("/proc/self/status", "utf8");
  const caught = BigInt(`0x${/SigCgt:\s*(\w+)/.exec(status)[1]}`);
  return {
    descriptors: readdirSync("/proc/self/fd").length,
    realms: getHeapStatistics().number_of_native_contexts,
    hooked: Number(caught >> 11n & 1n),
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Collects garbage until `wanted` are left, or the watchdog ends the process. */
async function collected(wanted) {
  const isMore = (now) => Object.keys(now).some((it) => now[it] > wanted[it]);
  while (isMore(left())) {
    globalThis.gc();
    await turn();
  }
}

/** Evaluates the package in a realm, uses it and closes everything that it opened. */
async function use() {
  const { checkpoint, EventPipe, Interrupt } = evaluate();
  let calls = 0;
  const pipe = new EventPipe();
  const interrupt = new Interrupt({ callback: () => calls++, pipe });
  Interrupt.signal(interrupt.signalFunc());
  checkpoint();
  Interrupt.signal(interrupt.signalFunc());
  await interrupt.wait();
  if (calls !== 2) throw new Error(`heard ${calls} times`);
  interrupt.close();
  pipe.close();
}

async function main() {
  // The first use opens what stays open for good, as Node itself does.
  await use();
  console.log("begins");
  const before = left();
  for (let i = 0; i < Number(count); i++) await use();
  await collected(before);
  console.log("closed");

  (() => {
    const { EventPipe, Interrupt } = evaluate();
    new EventPipe();
    new Interrupt({ signal: "SIGUSR2", callback: () => {} });
  })();
  if (left().hooked !== 1) throw new Error("not hooked");
  await collected(before);
  console.log("left open");

  // Only the realm of these modules is still referenced.
  const modules = evaluate();
  let heard = 0;
  new modules.Interrupt({ signal: "SIGUSR2", callback: () => heard++ });
  for (let i = 0; i < 10; i++) {
    globalThis.gc();
    await turn();
  }
  process.kill(process.pid, "SIGUSR2");
  while (heard === 0) await turn();
  if (modules.Interrupt === undefined) throw new Error("collected");
  console.log("unreferred");
}

main();
