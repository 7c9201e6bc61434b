import { dirname } from "node:path";
import { removeFolder, run, temporaryFolder } from "../lib/run.ts";
import { zig } from "../lib/toolchain.ts";
import { tracked } from "../lib/tracked.ts";
import type { Row } from "./lib/row.ts";

/** Builds every library twice, in two folders that share no cache, and compares the bytes. */
export async function reproducible(short: boolean): Promise<Row[]> {
  const target = short ? "darwin-arm64" : "all";
  // Names of different length: a path in a file would move what comes after it.
  const folders = [
    await temporaryFolder("async-interrupt-build-"),
    await temporaryFolder("async-interrupt-build-again-"),
  ];
  try {
    const [first, second] = [await built(folders[0]!, target), await built(folders[1]!, target)];
    const names = [...new Set([...first.keys(), ...second.keys()])];
    const others = names.filter((name) => first.get(name) !== second.get(name));
    return [{
      name: "built twice",
      how: "compiled",
      passed: names.length - others.length,
      failed: others.length,
      skipped: 0,
      note: "the same bytes from two folders and two caches",
      output: `${others.join(", ")}: built again, the bytes are others`,
    }];
  } finally {
    for (const folder of folders) removeFolder(folder);
  }
}

/** Builds a copy of the sources. Returns the SHA-256 of each library by its name. */
async function built(folder: string, target: string): Promise<Map<string, string>> {
  for (const file of await tracked()) {
    await Deno.mkdir(dirname(`${folder}/${file}`), { recursive: true });
    await Deno.copyFile(file, `${folder}/${file}`);
  }
  const command = [await zig(), "build", "lib", `-Dtarget=${target}`, "--summary", "none"];
  const env = {
    ZIG_LOCAL_CACHE_DIR: `${folder}/local-cache`,
    ZIG_GLOBAL_CACHE_DIR: `${folder}/global-cache`,
  };
  const { ok, output } = await run(command, { cwd: folder, env, timeout: 600 });
  if (!ok) throw new Error(output);
  const sums = new Map<string, string>();
  for (const { name } of Deno.readDirSync(`${folder}/lib`)) {
    const bytes = await Deno.readFile(`${folder}/lib/${name}`);
    const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    sums.set(name, sum.toHex());
  }
  return sums;
}
