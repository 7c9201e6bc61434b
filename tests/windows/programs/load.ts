/** Loads the library of the module that the first argument names, also in Workers. */

import { copyFileSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

const [module, workers, modules = "0"] = process.argv.slice(2);
if (modules !== "0") loadMany(Number(modules));
const { Interrupt } = await import(module!);
const interrupt = new Interrupt();
const { func, arg } = interrupt.signalFunc();
const first = interrupt.wait();
const signalled = Array.from({ length: Number(workers) }, () => {
  const worker = new Worker(new URL("./load_worker.ts", import.meta.url), {
    workerData: { module, target: { func, arg } },
  });
  return new Promise((resolve, reject) => {
    worker.on("message", resolve);
    worker.on("error", reject);
  });
});
for (const one of signalled) await one;
if (signalled.length > 0) await first;
console.log(`loaded, ${signalled.length} Workers signalled`);
process.exit(0);

/** Other libraries, which come before ours in the list of the process. */
function loadMany(count: number) {
  const testkit = fileURLToPath(
    new URL(`../../native/lib/testkit-win32-${process.arch}.node`, import.meta.url),
  );
  const folder = mkdtempSync(join(tmpdir(), "many-"));
  for (let index = 0; index < count; index++) {
    const copy = join(folder, `${index}.node`);
    copyFileSync(testkit, copy);
    process.dlopen({ exports: {} }, copy);
  }
}
