import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import * as module from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parse } from "../safepoints/src/run/options.ts";
import { type Reason, runtime, testsOf, turn } from "./support/harness.ts";
import { type Program, startCommand } from "./support/processes.ts";
import { removedAtExit } from "./support/modules_copy.ts";
import { sendTo } from "./support/signalled_program.ts";

const test = testsOf(import.meta.url);
const { SIGINT, SIGUSR2 } = constants.signals;

const hasHooks = runtime === "bun" || "registerHooks" in module;
const skip: Reason = !hasHooks && "this version has no module.registerHooks()";

const extension = import.meta.url.slice(-3);
const core = new URL(`../mod${extension}`, import.meta.url).href;
const runner = fileURLToPath(new URL(`../safepoints/run${extension}`, import.meta.url));

/** What stands in lines 2 and 3 of these files is in stacks. */
const files: Record<string, string> = {
  "dep/package.json": `{ "type": "commonjs" }`,
  "dep/index.js": `exports.hang = function hang() {
  try { for (;;) {} }
  finally { console.log("finally"); globalThis.cleaned = true; }
};
exports.queue = () => {
  const queue = [1];
  try { while (queue.length) queue.push(queue.shift()); }
  finally { globalThis.cleaned = true; }
};
exports.even = (n) => {
  try { return n > 0 && exports.odd(n - 1) && exports.odd(n - 1); }
  finally { globalThis.cleaned = true; }
};
exports.odd = (n) => n < 1 || exports.even(n - 1) || exports.even(n - 1);`,
  "hangs.ts": `import dep from "./dep/index.js"; interface Lines {
  one: number }
function work(lines: Lines) { dep.hang(lines); lines.one++ }
process.on("exit", (code) => console.log("exit", code));
// Bun does not tell monitors of this rejection.
setTimeout(async () => { console.log("ready", ...process.argv.slice(2));
  work({ one: 1 });
});`,
  "worker.mjs": `import { isMainThread, parentPort, Worker } from "node:worker_threads";
const tell = (safepoint) => {
  console.log(safepoint, typeof $safepoint1C);
  worker.terminate();
};
const worker = isMainThread ? new Worker(new URL(import.meta.url)) : undefined;
if (isMainThread) worker.on("message", tell);
else parentPort.postMessage(typeof $safepoint1C);`,
  "main.cjs":
    `console.log(require.main === module, process.argv.slice(2).join(), process.execArgv.length);
let text = "";
process.stdin.on("data", (data) => text += data).on("end", () => {
  console.log(text);
  process.exitCode = 7;
});`,
  "goes_on.mjs": `import process from "node:process";
import { interruptible } from "@async/interrupt";
import dep from "./dep/index.js";
for (const work of [dep.hang, dep.queue, () => dep.even(99)]) {
  // At the entry of a function, it is thrown before \`try\`.
  for (let timeout = 5; !globalThis.cleaned; timeout *= 2) {
    try { interruptible(work, { timeout }); } catch (error) { globalThis.name = error.name; }
  }
  console.log(globalThis.name, globalThis.cleaned);
  globalThis.cleaned = false;
}
console.log("ready");
try { for (;;); } catch (error) { console.log(error.name, error.message); }
process.exitCode = 7;`,
  "built_in.mjs": `console.log("ready");
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`,
  "idle.mjs": `import process from "node:process";
process.on("exit", () => console.log("exit"));
setInterval(() => {}, 1e9);
console.log("ready");`,
  "listens.mjs": `import process from "node:process";
const listen = globalThis.Deno?.addSignalListener ?? process.on.bind(process);
listen("SIGINT", () => {
  console.log("heard");
  setTimeout(() => {
    console.log("hangs");
    try { for (;;); } finally { console.log("finally"); }
  });
});
setInterval(() => {}, 1e9);
console.log("ready");`,
  "catches.mjs": `import process from "node:process";
console.log("ready");
try { for (;;); } catch (error) { console.log(error.name); }
if (process.argv[2] === "again") for (;;);
process.exit(3);`,
  "blocks.mjs": `import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";
const cpu = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };
function slow(ms) { const end = cpu() + ms; while (cpu() < end); }
await wait(1);
slow(150);
await wait(1);
slow(100);
await wait(1);`,
  "bad.mjs": "let x = ;",
  "child.mjs": `import process from "node:process";
let missing = process.argv.includes("SIGINT");
let isLast = false;
const end = () => isLast && !missing && setTimeout(() => process.kill(process.pid, "SIGKILL"));
process.on("SIGINT", () => {
  console.log("SIGINT");
  missing = false;
  end();
});
process.on("SIGUSR2", () => {
  isLast = true;
  end();
});
setInterval(() => {}, 1e9);
console.log(\`\${process.ppid}\`);`,
  // Takes from a runtime what others lack.
  "no_execve.cjs": `if (globalThis.Deno) {
  const { dlopen } = Deno;
  Deno.dlopen = (file, symbols) => {
    if ("execv" in symbols) throw new Error(file);
    return dlopen(file, symbols);
  };
} else process.execve = undefined;`,
};

const folder = removedAtExit();

/** Writes the program, and runs it as users do. */
function run(options: string[], name: string, ...args: string[]): Program {
  return runWith({}, options, name, ...args);
}

/** What {@linkcode runWith} changes. */
interface Way {
  /** A command to put before the runtime's. */
  prefix?: string[];
  /** Started as package managers do it: then the program is a child. */
  isManaged?: boolean;
  /** The program must be a child, because the runtime cannot become another program. */
  hasNoExecve?: boolean;
}

/** The same in another way. */
function runWith(way: Way, options: string[], name: string, ...args: string[]): Program {
  const inModules = join("node_modules", "@async", "interrupt");
  const all: Record<string, string> = {
    ...files,
    // Deno looks for CommonJS only in a project that has such a file.
    "package.json": `{ "type": "module" }`,
    [join(inModules, "package.json")]: `{ "type": "module", "exports": "./mod.js" }`,
    [join(inModules, "mod.js")]: `export * from "${core}";`,
  };
  if (runtime === "deno") {
    const text = readFileSync(new URL("../safepoints/deno.json", import.meta.url), "utf8");
    const imports = { ...JSON.parse(text).imports, "@async/interrupt": core };
    all["deno.json"] = JSON.stringify({ imports, nodeModulesDir: "none" });
  }
  for (const [name, text] of Object.entries(all)) {
    const file = join(folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  process.env.INTERRUPT_SAFEPOINTS_CACHE ??= join(folder, "cache");
  delete process.env.npm_lifecycle_event;
  if (way.isManaged) process.env.npm_lifecycle_event = "npx";
  const flags = runtime === "deno" ? ["run", "-A", "--no-check"] : [];
  const preload = runtime === "node" ? "--require" : "--preload";
  if (way.hasNoExecve) flags.push(preload, join(folder, "no_execve.cjs"));
  return startCommand([
    ...way.prefix ?? [],
    process.execPath,
    ...flags,
    runner,
    ...options,
    join(folder, name),
    ...args,
  ]);
}

test(
  "SIGQUIT prints the stack, Ctrl-C throws, and the process dies of it if nobody handles that",
  async () => {
    const program = run([], "hangs.ts", "--an", "argument");
    assertEquals(await program.line(), "ready --an argument");
    process.kill(program.pid, "SIGQUIT");
    process.kill(program.pid, "SIGINT");
    const { code, signal, stdout, stderr } = await program.ended;
    assertEquals([code, signal], [null, "SIGINT"], stderr);
    assertEquals(stdout, "ready --an argument\nfinally\nexit 130\n");
    // Bun 1.3 counts columns of ES modules from 0.
    const frames = String
      .raw`\n    at \S*hang \(.*/dep/index\.js:2:19\)\n    at work \(.*/hangs\.ts:3:3[45]\)`;
    assertMatch(stderr, new RegExp(`^Executing:${frames}`, "m"));
    assertMatch(stderr, new RegExp(`^Uncaught AbortError: Interrupted by SIGINT${frames}`, "m"));
  },
  { skip },
);

test("a program that handles the AbortError goes on, and is what it is without `run`", async () => {
  const program = run(["--functions"], "goes_on.mjs");
  const lines = ["finally", ...Array(3).fill("TimeoutError true"), "ready"];
  for (const line of lines) assertEquals(await program.line(), line);
  process.kill(program.pid, "SIGINT");
  const { code, stdout, stderr } = await program.ended;
  assertEquals([code, stderr], [7, ""]);
  assertMatch(stdout, /ready\nAbortError Interrupted by SIGINT\n$/);
}, { skip });

test("a second Ctrl-C kills inside of a built-in, and one kills an idle program", async () => {
  const builtIn = run([], "built_in.mjs");
  const idle = run([], "idle.mjs");
  assertEquals(await builtIn.line(), "ready");
  let hasEnded = false;
  builtIn.child.once("exit", () => hasEnded = true);
  // The first may have been handled before the built-in began.
  for (; !hasEnded; await turn()) {
    try {
      process.kill(builtIn.pid, "SIGINT");
    } catch {
      // It has just ended.
    }
  }
  assertEquals((await builtIn.ended).signal, "SIGINT");
  assertEquals(await idle.line(), "ready");
  process.kill(idle.pid, "SIGINT");
  const { signal, stdout, stderr } = await idle.ended;
  assertEquals([signal, stdout, stderr], ["SIGINT", "ready\n", ""]);
}, { skip });

test(
  "a listener of the program for Ctrl-C wins, until the program does not let it hear",
  async () => {
    const program = run([], "listens.mjs");
    assertEquals(await program.line(), "ready");
    process.kill(program.pid, "SIGINT");
    assertEquals(await program.line(), "heard");
    assertEquals(await program.line(), "hangs");
    let hasEnded = false;
    program.ended.then(() => hasEnded = true);
    let stacks = 0;
    program.child.stderr!.on(
      "data",
      (text: string) => stacks += text.split("Executing").length - 1,
    );
    const send = (signal: NodeJS.Signals) => {
      if (!hasEnded) process.kill(program.pid, signal);
    };
    // The first throws if the program could not hear the one before it, else a later one.
    while (!hasEnded) {
      // On Deno one more kills before the last was handled. The second stack comes after that,
      // unless the thread that has taken the signal waits for a processor: not as long as this.
      for (let sent = 0; sent < 20; sent++) {
        const before = stacks;
        send("SIGQUIT");
        while (stacks === before && !hasEnded) await turn();
      }
      send("SIGINT");
    }
    const { code, signal, stdout } = await program.ended;
    assertEquals(stdout, "ready\nheard\nhangs\nfinally\n");
    // A shell shows 130 for both.
    assert(code === 130 || signal === "SIGINT");
  },
  { skip },
);

/** Runs a program with a timeout that is long enough for it to begin. */
async function timedOut(options: string[], name: string, ...args: string[]) {
  for (let ms = 200;; ms *= 2) {
    const ended = await run([`--timeout=${ms}ms`, ...options], name, ...args).ended;
    if (ended.stdout.startsWith("ready")) return ended;
  }
}

test("--timeout throws, exits with 124 whatever the program does, and at last kills", async () => {
  const hang = await timedOut([], "hangs.ts");
  assertEquals([hang.code, hang.stdout], [124, "ready\nfinally\nexit 124\n"]);
  assertMatch(hang.stderr, /^Uncaught TimeoutError: Interrupted after \d+ ms\n +at \S*hang/);
  const caught = await timedOut([], "catches.mjs");
  assertEquals([caught.code, caught.stdout, caught.stderr], [124, "ready\nTimeoutError\n", ""]);
  const again = await timedOut(["--kill-after", "200ms"], "catches.mjs", "again");
  assertEquals([again.signal, again.stdout], ["SIGKILL", "ready\nTimeoutError\n"]);
  assertMatch(again.stderr, /^Killed: .*\n$/);
  assertEquals((await timedOut([], "idle.mjs")).code, 124);
}, { skip, timeout: 40 });

test("--watch-loop reports what blocks the event loop, --trace what is executed", async () => {
  const { code, stderr } = await run(["--trace=40ms", "--watch-loop", "40ms"], "blocks.mjs").ended;
  assertEquals(code, 0, stderr);
  const slow = String.raw`slow \(.*/blocks\.mjs:4:52\)`;
  assertMatch(
    stderr,
    new RegExp(`^Executing:\n    at ${slow}\n    at .*/blocks\\.mjs:6:[01]\\)?$`, "m"),
  );
  const reports = stderr.match(new RegExp(`^Blocked the event loop for \\d+ ms: ${slow}$`, "gm"));
  assertEquals(reports?.length, 2, stderr);
  assertMatch(stderr, new RegExp(`^ *total +longest +times +where\n[^]* 2  ${slow}$`, "m"));
}, { skip });

test(
  "arguments, streams and the exit status are those of the program, and Workers have safepoints",
  async () => {
    const program = run(["--"], "main.cjs", "--timeout", "x");
    assertEquals((await program.ended).stdout, "true --timeout,x 0\n\n");
    assertEquals((await program.ended).code, 7);
    assertEquals((await run([], "worker.mjs").ended).stdout, "function function\n");
    const bad = await run([], "bad.mjs").ended;
    assertEquals(bad.code, 1);
    assertMatch(bad.stderr, /bad\.mjs/);
    const missing = await run([], "missing.mjs").ended;
    assertEquals(missing.code, 1);
    assertMatch(missing.stderr, /(Cannot find|not found).*missing\.mjs/);
  },
  { skip },
);

test("from a package manager, what is sent to its child alone comes to the program", async () => {
  const program = runWith({ isManaged: true }, [], "hangs.ts", "--an", "argument");
  assertEquals(await program.line(), "ready --an argument");
  process.kill(program.pid, "SIGQUIT");
  await new Promise((resolve) => program.child.stderr!.once("data", resolve));
  process.kill(program.pid, "SIGINT");
  const { code, signal, stdout, stderr } = await program.ended;
  assertEquals([code, signal], [null, "SIGINT"], stderr);
  assertEquals(stdout, "ready --an argument\nfinally\nexit 130\n");
  assertMatch(stderr, /^Executing:\n {4}at \S*hang /m);
  assertMatch(stderr, /^Uncaught AbortError: Interrupted by SIGINT\n {4}at \S*hang /m);

  const idle = runWith({ isManaged: true }, [], "idle.mjs");
  assertEquals(await idle.line(), "ready");
  process.kill(idle.pid, "SIGTERM");
  // Its output ends with the last process that has it.
  assertEquals((await idle.ended).signal, "SIGTERM");
}, { skip });

test("from a package manager, Ctrl-C on a terminal comes to the program once", async () => {
  const prefix = ["sh", "-c", `exec script -qec "exec $(printf "'%s' " "$@")" /dev/null`, "sh"];
  const program = runWith({ isManaged: true, prefix }, [], "child.mjs", "SIGINT");
  const parent = parseInt(await program.line());
  assert(parent > 1);
  // The terminal to all, and the package manager to its child; then a last one, which is passed on.
  // The handler of a later signal may run first.
  sendTo(-parent, SIGINT);
  sendTo(parent, SIGINT, SIGUSR2);
  const { code, stdout } = await program.ended;
  assertEquals(stdout.split("\r\n"), [`${parent}`, "SIGINT", ""]);
  // So script(1) shows SIGKILL.
  assertEquals(code, 137);
}, { skip: skip || process.platform !== "linux" && "script(1) has other options" });

test("without execve(2), streams and the exit status are those of the program", async () => {
  const prefix = ["sh", "-c", 'echo text | "$0" "$@"'];
  const main = await runWith({ hasNoExecve: true, prefix }, [], "main.cjs", "-x", "y").ended;
  assertMatch(main.stdout, /^true -x,y \d\ntext\n\n$/);
  assertEquals([main.code, main.stderr], [7, ""]);
  const program = runWith({ hasNoExecve: true }, ["--timeout=1h"], "child.mjs");
  assertEquals(await program.line(), `${program.pid}`);
  process.kill(program.pid, "SIGUSR2");
  assertEquals((await program.ended).signal, "SIGKILL");
}, { skip });

test("wrong use is told, and the exit status is 2", async () => {
  const refused: [string[], string][] = [
    [[], "which program?"],
    [
      ["--timeout", "5", "a.js"],
      'a time with its unit, from 1ms to 596h, such as 50ms, 1.5s or 2m, not "5"',
    ],
    [["--timeout=-1s", "a.js"], 'not "-1s"'],
    [["--trace", "600h", "a.js"], 'not "600h"'],
    [["--watch-loop=0ms", "a.js"], 'not "0ms"'],
    [["--timeout"], "--timeout needs a value"],
    [["--functions=1", "a.js"], "takes no value"],
    [["--kill-after", "1s", "a.js"], "--kill-after needs --timeout"],
    [["-x", "a.js"], "unknown option -x"],
    [["--toString", "a.js"], "unknown option --toString"],
  ];
  for (const [args, message] of refused) {
    assertThrows(() => parse(args), Error, message, args.join(" "));
  }
  const line = parse(["--timeout", ".5s", "--trace=1.5m", "--runtime=--x", "--", "-a", "--help"]);
  assertEquals([line.timeout, line.trace, line.help], [500, 90_000, false]);
  assertEquals([line.flags, line.program], [["--x"], ["-a", "--help"]]);
  const { code, stdout, stderr } = await run(["--timeout=soon"], "main.cjs").ended;
  assertEquals([code, stdout], [2, ""]);
  assertMatch(
    stderr,
    /^async-interrupt-safepoints: --timeout needs a time.*"soon"\nTry --help\.\n$/,
  );
});

test("a runtime without hooks says which version is needed", async () => {
  const { code, stderr } = await run([], "main.cjs").ended;
  assert(code === 1 && /is too old: use (Node 22\.15|Deno 2\.9) or later/.test(stderr), stderr);
}, { skip: hasHooks && "this version has hooks" });
