/** Checks what JSR would get, without asking JSR. */

import safepoints from "../../safepoints/deno.json" with { type: "json" };
import { platforms } from "./platforms.ts";
import { published } from "./published.ts";
import { type Outcome, removeFolder, run, temporaryFolder } from "./run.ts";

const root = new URL("../..", import.meta.url);
const deno = Deno.execPath();

/** `deno publish --dry-run` lists the files, but does not report one that is missing. */
export async function publish(flags: string[]): Promise<Outcome> {
  const core = await publishCore(flags);
  return core.ok ? await publishSafepoints() : core;
}

async function publishSafepoints(): Promise<Outcome> {
  // Without an import map: Deno finds the core in the workspace.
  const { ok, output, files } = await published([], "safepoints/");
  const missing = [...Object.values(safepoints.exports), "./README.md"]
    .filter((file) => !files.includes(file.slice(2)));
  const surplus = files.filter((file) =>
    !/^(?:src\/.*|[^/]*)\.ts$|^[^/]*\.(?:md|json)$/.test(file)
  );
  return {
    ok: ok && missing.length === 0 && surplus.length === 0,
    output: `${output}\nmissing: ${missing}; surplus: ${surplus}`,
  };
}

async function publishCore(flags: string[]): Promise<Outcome> {
  const { ok, output, files } = await published(flags);
  const libraries = platforms.map((platform) => `ffi/embedded/${platform}.js`);
  const missing = ["mod.ts", "sqlite.ts", "README.md", "LICENSE", ...libraries]
    .filter((file) => !files.includes(file));
  const wanted = /^((src|ffi)\/.*|[^/]*)\.ts$|^include\/.*\.h$|^([^/]*\.md|LICENSE|deno\.json)$/;
  const surplus = files.filter((file) => !wanted.test(file) && !libraries.includes(file));
  if (!ok || missing.length > 0 || surplus.length > 0) {
    return {
      ok: false,
      output: `${output}\nmissing: ${missing}; surplus: ${surplus}`,
    };
  }
  return await checkInNodeProject(files);
}

/**
 * In a project that has a package.json, Deno does not add @types/node, so an import of "node:..."
 * cannot be type-checked.
 */
async function checkInNodeProject(files: string[]): Promise<Outcome> {
  const folder = await temporaryFolder("async-interrupt-jsr-");
  try {
    for (const file of files.filter((file) => /\.[jt]s$/.test(file))) {
      const copy = `${folder}/published/${file}`;
      await Deno.mkdir(copy.slice(0, copy.lastIndexOf("/")), {
        recursive: true,
      });
      await Deno.copyFile(new URL(file, root), copy);
    }
    await Deno.writeTextFile(`${folder}/package.json`, "{}");
    await Deno.writeTextFile(
      `${folder}/main.ts`,
      `import { Interrupt } from "./published/mod.ts";
import { interruptibleDatabase } from "./published/sqlite.ts";
using interrupt = new Interrupt();
interruptibleDatabase({ loadExtension: (path: string) => path }, interrupt);
`,
    );
    const { ok, output } = await run([deno, "check", "main.ts"], {
      cwd: folder,
    });
    return {
      ok,
      output: `in a project with a package.json, without @types/node: ${output}`,
    };
  } finally {
    removeFolder(folder);
  }
}
