/**
 * The npm package of `safepoints/` as users get it: packed, installed, and run on every runtime.
 * scripts/package_test.ts imports it, so that the package of the core is built once for both.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import * as esbuild from "esbuild";
import config from "../deno.json" with { type: "json" };
import type { Format } from "./lib/bundlers.ts";
import { checkMap, expected, writeHangingProject } from "./lib/hanging_project.ts";
import { pluginBuilds } from "./lib/plugin_builds.ts";
import { removeFolder, run, temporaryFolder } from "./lib/run.ts";
import { bun, node, nodeVersions } from "./lib/toolchain.ts";
import { hears } from "./ship/lib/hears.ts";
import { script } from "./ship/lib/script.ts";

await import("./build_npm.ts");
await import("./build_safepoints_npm.ts");

const core = decodeURIComponent(new URL("../npm/", import.meta.url).pathname);
const safepoints = decodeURIComponent(
  new URL("../build/npm_safepoints/", import.meta.url).pathname,
);
const folder = await temporaryFolder("async-interrupt-safepoints-");
/** Where bundles run: the project does not exist there. */
const away = await temporaryFolder("async-interrupt-safepoints-bundles-");
const installed = `${folder}/node_modules/async-interrupt-safepoints`;
const tarball = `${folder}/async-interrupt-safepoints-${config.version}.tgz`;
const register = "async-interrupt-safepoints/register";
const env = { INTERRUPT_SAFEPOINTS_CACHE: `${folder}/cache` };

async function command(...command: string[]): Promise<string> {
  return await commandIn(folder, ...command);
}

async function commandIn(cwd: string, ...command: string[]): Promise<string> {
  const { ok, output } = await run(command, { cwd, env, timeout: 60 });
  assert(ok, `${command.join(" ")}\n${output}`);
  return output;
}

/** SIGINT stops all that hangs in a program. */
async function stops(cwd: string, ...command: string[]) {
  const failure = await hears(command, { cwd, expected, env });
  assertEquals(failure, undefined, failure);
}

const runtimes: Record<string, string[]> = {
  Deno: [Deno.execPath(), "run", "--no-prompt", "-A"],
  Bun: [await bun()],
};
for (const major of nodeVersions) runtimes[`Node ${major}`] = [await node(major)];
/** How each loads `register` first. */
const registered: Record<string, string[]> = {
  Deno: [...runtimes.Deno!, "--preload", `npm:${register}`],
  Bun: [...runtimes.Bun!, "--preload", register],
};
for (const major of nodeVersions.filter((major) => Number(major) >= 22)) {
  registered[`Node ${major}`] = [...runtimes[`Node ${major}`]!, "--import", register];
}

Deno.test("the package for safepoints installs, with its dependencies", async () => {
  await Deno.writeTextFile(`${folder}/package.json`, "{}");
  await command(script("npm"), "pack", core, safepoints);
  const tarballs = Array.from(Deno.readDirSync(folder), ({ name }) => name)
    .filter((name) => name.endsWith(".tgz")).map((name) => `./${name}`);
  const { esbuild } = pluginBuilds;
  const bundlers = Object.entries(esbuild!.packages).map((entry) => entry.join("@"));
  const flags = ["--prefer-offline", "--no-audit", "--no-fund"];
  await command(script("npm"), "install", ...flags, ...tarballs, ...bundlers);
  await writeHangingProject(folder);
  // What npm writes for a package of the registry. Deno does not read names of tarballs.
  const names = ["async-interrupt", "async-interrupt-safepoints"];
  const dependencies = Object.fromEntries(names.map((name) => [name, config.version]));
  await Deno.writeTextFile(`${folder}/package.json`, JSON.stringify({ dependencies }));
});

Deno.test("package.json of the package for safepoints names all that users may import", async () => {
  const json = JSON.parse(await Deno.readTextFile(`${installed}/package.json`));
  assertEquals([json.version, json.dependencies["async-interrupt"]], Array(2).fill(config.version));
  assert(Object.keys(json.dependencies).includes("unplugin"));
  for (const url of [json.repository.url, json.bugs.url, json.homepage]) new URL(url);
  const named = Object.values(json.exports).flatMap((value) =>
    JSON.stringify(value).match(/\.\/[\w./]+/g)!
  );
  const files = [...named, ...json.sideEffects, ...Object.values(json.bin ?? {})];
  for (const file of new Set(files)) {
    const { isFile } = await Deno.stat(`${installed}/${file}`).catch(() => ({ isFile: false }));
    // `./run` may not be there yet.
    assert(isFile || file === "./esm/run.js", file);
  }
  const readme = await Deno.readTextFile(`${installed}/README.md`);
  assertEquals(readme.match(/\]\((?!https:|#)/g), null);
});

Deno.test("publint and `Are the types wrong?` have no complaints about safepoints", async () => {
  const tool = (name: "publint" | "@arethetypeswrong/cli", ...args: string[]) =>
    commandIn(".", Deno.execPath(), "run", "-A", config.imports[name], ...args);
  await tool("publint", "--strict", installed);
  // The dependencies are ES modules alone, so this package is one too.
  await tool("@arethetypeswrong/cli", tarball, "--ignore-rules", "cjs-resolves-to-esm");
});

for (const [runtime, start] of Object.entries(registered)) {
  Deno.test(`on ${runtime} a program that is started with register is stopped by SIGINT`, async () => {
    await stops(folder, ...start, "main.mjs");
  });

  Deno.test(`on ${runtime} register, the runtime twice and the plugin are one in a process`, async () => {
    await Deno.writeTextFile(`${folder}/one.mjs`, one);
    assertEquals(await command(...start, "one.mjs"), "ok\n");
  });

  // What differs is the runtime, not the version of Node.
  if (!["Deno", "Bun", "Node 22"].includes(runtime)) continue;
  Deno.test(`on ${runtime} a bundle that has the core in it is stopped, started with register`, async () => {
    const outfile = `${folder}/plain.mjs`;
    await esbuild.build({
      entryPoints: [`${folder}/main.mjs`],
      outfile,
      bundle: true,
      format: "esm",
      platform: "node",
    });
    await stops(folder, ...start, outfile);
  });
}

/** All ways to load parts of the package. */
const one = `
import { interruptible } from "async-interrupt";
import { createRequire } from "node:module";
const names = () => Object.getOwnPropertyNames(globalThis).filter((name) => /safepoint/.test(name));
const before = names().map((name) => globalThis[name]);
await import("async-interrupt-safepoints/runtime");
const require = createRequire(import.meta.url);
require("async-interrupt-safepoints/runtime");
const { default: plugin } = await import("async-interrupt-safepoints/plugin");
const { instrument } = await import("async-interrupt-safepoints");
const same = names().every((name, index) => globalThis[name] === before[index]);
const text = String(names);
let error;
function endless() { for (;;); }
try {
  interruptible(endless, { timeout: 1 });
} catch (thrown) {
  error = thrown;
}
const named = /^TimeoutError: .*\\n +at endless .*one\\.mjs/.test(error.stack);
const known = instrument("for (;;);").safepoints === 1 && plugin.vite().name && !/safepoint1/.test(text);
const isOne = before.length === 3 && same && known;
console.log(!isOne ? "there are two" : named ? "ok" : error.stack);
`;

for (const runtime of ["Deno", "Bun", "Node 22"]) {
  Deno.test(`on ${runtime} the plugin can be required`, async () => {
    const program = `console.log(
      require("async-interrupt-safepoints/plugin").default.esbuild().name,
    );`;
    await Deno.writeTextFile(`${folder}/required.cjs`, program);
    const output = await command(...runtimes[runtime]!, "required.cjs");
    assertEquals(output, "async-interrupt-safepoints\n");
  });
}

Deno.test("Node 20 has no hooks: register says so, and the rest works", async () => {
  const [path] = runtimes["Node 20"]!;
  const { ok, output } = await run([path!, "--import", register, "-e", ""], { cwd: folder });
  assert(!ok);
  assertStringIncludes(output, "use Node 22.15 or later");
  const program = `require("async-interrupt-safepoints/runtime");
    import("async-interrupt-safepoints").then(({ instrument }) => {
      const { code } = instrument("for (;;);");
      try {
        require("async-interrupt").interruptible(() => eval(code), { timeout: 1 });
      } catch ({ name }) {
        console.log(name);
      }
    });`;
  assertEquals(await command(path!, "-e", program), "TimeoutError\n");
});

for (const name of ["esbuild", "Bun.build"]) {
  const { isBun, script } = pluginBuilds[name]!;
  for (const format of ["esm", "cjs"] satisfies Format[]) {
    Deno.test(`${name} with the plugin makes a bundle in ${format} that is stopped in another folder`, async () => {
      const out = `${folder}/out/${name}-${format}`;
      await Deno.writeTextFile(`${folder}/build.mjs`, script(out, format));
      await command(...runtimes[isBun ? "Bun" : "Node 22"]!, "build.mjs");
      const file = `main.${format === "esm" ? "mjs" : "cjs"}`;
      await checkMap(`${out}/${file}`);
      await Deno.rename(out, `${away}/${name}-${format}`);
      const hidden = `${folder}-hidden`;
      await Deno.rename(folder, hidden);
      try {
        const names = ["Deno", "Bun", `Node ${nodeVersions[0]}`];
        await Promise.all(names.map(async (runtime) => {
          await stops(away, ...runtimes[runtime]!, `${name}-${format}/${file}`);
        }));
      } finally {
        await Deno.rename(hidden, folder);
      }
    });
  }
}

Deno.test("the build in its README makes a program that is stopped", async () => {
  const readme = await Deno.readTextFile(`${installed}/README.md`);
  const [, text] = /^\/\/ build\.mjs\n([^]*?)^```$/m.exec(readme)!;
  await Deno.writeTextFile(`${folder}/build.mjs`, text!);
  await command(...runtimes["Node 22"]!, "build.mjs");
  await stops(folder, ...runtimes.Bun!, "dist/main.mjs");
});

Deno.test("a file that cannot be parsed fails the build with its name", async () => {
  await Deno.writeTextFile(`${folder}/broken.mjs`, "for (;;) {");
  const build = pluginBuilds.esbuild!.script(`${folder}/out/broken`, "esm")
    .replace("main.mjs", "broken.mjs");
  await Deno.writeTextFile(`${folder}/build.mjs`, build);
  const { ok, output } = await run([...runtimes["Node 22"]!, "build.mjs"], { cwd: folder });
  assert(!ok);
  assertStringIncludes(output, "broken.mjs gets no safepoints: ");
  assertStringIncludes(output, "broken.mjs:1:10: ERROR");
});

globalThis.addEventListener("unload", () => {
  for (const made of [folder, away]) removeFolder(made);
});
