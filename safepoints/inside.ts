/**
 * What `run` makes the runtime load before the program; Workers of Node load it too. Nobody else
 * needs it.
 *
 * @module
 */
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { RunOptions } from "./src/run/options.ts";
import { stopAfter, stopAtCtrlC } from "./src/run/stop.ts";
import { traceStacks } from "./src/run/trace.ts";
import { watchLoop } from "./src/run/watch.ts";
import "./register.ts";
import { VARIABLE } from "./src/run/variable.ts";

const text = process.env[VARIABLE];
if (text !== undefined) {
  delete process.env[VARIABLE];
  // Deno shows none.
  if (!process.versions.deno) hideFlag();
  const { timeout, killAfter = 5000, trace, watchLoop: limit }: RunOptions = JSON.parse(text);
  stopAtCtrlC();
  traceStacks(trace);
  if (timeout !== undefined) stopAfter(timeout, killAfter);
  if (limit !== undefined) watchLoop(limit);
}

/** The program sees the flags that it has without `run`, and so do the programs that it forks. */
function hideFlag(): void {
  const { execArgv } = process;
  const here = import.meta.url;
  const at = execArgv.findIndex((flag) => [here, fileURLToPath(here)].includes(flag));
  if (at > 0) execArgv.splice(at - 1, 2);
}
