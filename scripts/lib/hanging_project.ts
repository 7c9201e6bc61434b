/**
 * A project as users have it, in which a dependency and a file of TypeScript never return. SIGINT
 * stops each of them.
 */

import { originalPositionFor, type SourceMapInput, TraceMap } from "@jridgewell/trace-mapping";
import { basename, dirname } from "node:path";

const files: Record<string, string> = {
  "main.mjs": `import { interruptible } from "async-interrupt";
import { hang as esm } from "hangs";
import commonJs from "hangs/commonjs";
import { hang as typed } from "./typed.ts";

for (const hang of [esm, commonJs.hang, typed]) {
  const state = {};
  try {
    interruptible(() => {
      console.log("ready", process.pid);
      hang(state);
    }, { on: "SIGINT" });
  } catch (error) {
    console.log(error.name, state.cleaned);
  }
}
console.log("ok");
`,
  "typed.ts": `interface State {
  cleaned?: string;
}

export function hang<T extends State>(state: T): void {
  try {
    do ; while (true as boolean);
  } finally {
    state.cleaned = "typed";
  }
}
`,
  "starts.mjs": `import process from "node:process";
import { Worker } from "node:worker_threads";

const worker = new Worker(new URL("./worker.mjs", import.meta.url));
worker.on("message", (text) => {
  if (text === "ready") return console.log(text, process.pid);
  console.log(text);
  worker.terminate();
});
`,
  "worker.mjs": `import { interruptible } from "async-interrupt";
import { hang } from "hangs";
import { parentPort } from "node:worker_threads";

const state = {};
try {
  interruptible(() => {
    parentPort.postMessage("ready");
    hang(state);
  }, { on: "SIGINT" });
} catch (error) {
  parentPort.postMessage(error.name + " " + state.cleaned);
}
`,
  "node_modules/hangs/package.json":
    `{ "name": "hangs", "version": "1.0.0", "type": "module", "exports": { ".": "./index.js", "./commonjs": "./commonjs/index.js" } }
`,
  "node_modules/hangs/index.js": `#!/usr/bin/env node
let turns = 0;

export function hang(state) {
  try {
    while (state.cleaned === undefined) turns++;
  } finally {
    state.cleaned = "esm";
  }
}
`,
  "node_modules/hangs/commonjs/package.json": `{ "type": "commonjs" }\n`,
  "node_modules/hangs/commonjs/index.js": `"use strict"
exports.hang = function (state) {
  try {
    for (;;) {}
  } finally {
    state.cleaned = "commonJs";
  }
};
`,
};

/** What `main.mjs` prints, without the lines that ask for a signal. */
export const expected: string = ["esm", "commonJs", "typed"]
  .map((name) => `AbortError ${name}\n`).join("") + "ok\n";

/** What `starts.mjs` prints, whose Worker hangs. */
export const expectedOfWorker = "AbortError esm\n";

/** Writes it. `npm install` must have been before: it removes what it does not know. */
export async function writeHangingProject(folder: string): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await Deno.mkdir(dirname(`${folder}/${name}`), { recursive: true });
    await Deno.writeTextFile(`${folder}/${name}`, text);
  }
}

/**
 * Looks for what each file does in `finally` in a bundle.
 *
 * @throws if the source map of the bundle leads elsewhere.
 */
export async function checkMap(bundle: string): Promise<void> {
  const code = await Deno.readTextFile(bundle);
  const map = new TraceMap(JSON.parse(await Deno.readTextFile(`${bundle}.map`)) as SourceMapInput);
  for (const [name, text] of Object.entries(files)) {
    const [, cleaned] = /state(\.cleaned = ".*")/.exec(text) ?? [];
    if (cleaned === undefined) continue;
    const found = new RegExp(cleaned.replace(".", "\\.").replaceAll(" ", " ?")).exec(code)!;
    const { source, line, column } = originalPositionFor(map, placeOf(code, found.index + 1));
    const wanted = placeOf(text, text.indexOf(cleaned) + 1);
    if (
      basename(`${source}`) === basename(name) && line === wanted.line && column === wanted.column
    ) {
      continue;
    }
    throw new Error(
      `${bundle}: ${name}:${wanted.line}:${wanted.column} became ${source}:${line}:${column}`,
    );
  }
}

function placeOf(text: string, index: number): { line: number; column: number } {
  const lines = text.slice(0, index).split("\n");
  return { line: lines.length, column: lines.at(-1)!.length };
}
