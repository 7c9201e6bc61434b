/** The npm package as its users get it: packed, installed, and run on every runtime. Part of `deno task ok`. */

import { assert, assertEquals } from "@std/assert";
import process from "node:process";
import ts from "typescript";
import { run } from "./run.ts";
import { bun, node, nodeVersions } from "./toolchain.ts";

// Builds npm/; the import map decides with what.
await import("./build_npm.ts");

const npm = new URL("../npm/", import.meta.url);
const folder = await Deno.makeTempDir({ prefix: "async-interrupt-package-" });

/** A signal of the system and one of JavaScript's own, both handled in the middle of a loop. */
const program = `
let seen = [];
const callback = (value) => seen.push(value);
const interrupt = new Interrupt({ signal: "SIGUSR2", callback });
process.kill(process.pid, "SIGUSR2");
for (const end = Date.now() + 5000; seen.length < 1 && Date.now() < end;) {
  checkpoint();
}
interrupt.signal(7);
interrupt.close();
if (seen.length !== 2 || seen[1] !== 7) throw new Error("seen: " + seen);
console.log("ok");
`;
const names = "{ checkpoint, Interrupt }";
const programs = {
  ESM: ["main.mjs", `import ${names} from "async-interrupt";\n${program}`],
  CommonJS: [
    "main.cjs",
    `const ${names} = require("async-interrupt");\n${program}`,
  ],
};

async function command(...command: string[]): Promise<string> {
  const { ok, output } = await run(command, { cwd: folder, timeout: 60 });
  assert(ok, `${command.join(" ")}\n${output}`);
  return output;
}

async function readJson(file: URL | string) {
  return JSON.parse(await Deno.readTextFile(file));
}

Deno.test("the package installs", async () => {
  await Deno.writeTextFile(`${folder}/package.json`, "{}");
  for (const [file, text] of Object.values(programs)) {
    await Deno.writeTextFile(`${folder}/${file}`, text);
  }
  const name = Deno.build.os === "windows" ? "npm.cmd" : "npm";
  await command(name, "pack", decodeURIComponent(npm.pathname));
  const tarballs = Array.from(Deno.readDirSync(folder), ({ name }) => name)
    .filter((name) => name.endsWith(".tgz"));
  const { version } = await readJson(new URL("package.json", npm));
  assertEquals(tarballs, [`async-interrupt-${version}.tgz`]);
  await command(name, "install", "--offline", tarballs[0]);
});

Deno.test("it needs no other package and runs nothing at install", async () => {
  const installed = `${folder}/node_modules/async-interrupt`;
  const json = await readJson(`${installed}/package.json`);
  for (const name of ["install", "preinstall", "postinstall", "prepare"]) {
    assertEquals(json.scripts?.[name], undefined);
  }
  assertEquals(json.dependencies ?? {}, {});
  assertEquals(json.peerDependencies ?? {}, {});
  const library = `${process.platform}-${process.arch}.node`;
  await Deno.stat(`${installed}/lib/${library}`);
  const files = Array.from(Deno.readDirSync(installed), ({ name }) => name);
  assertEquals(files.filter((name) => /test|src|scripts/.test(name)), []);
});

Deno.test("its modules are those of the repository, without what dnt adds", async () => {
  const installed = `${folder}/node_modules/async-interrupt`;
  for (const file of ["mod.js", "mod.d.ts"]) {
    for (const kind of ["esm", "script"]) {
      const text = await Deno.readTextFile(`${installed}/${kind}/${file}`);
      assertEquals(text.match(/.*_dnt\..*/g), null);
    }
  }
});

Deno.test("its types need no other package either", () => {
  const files = Object.values(programs).map(([file]) => `${folder}/${file}`);
  const program = ts.createProgram(files, {
    allowJs: true,
    // What has AbortSignal; Node's types have it too.
    lib: ["lib.esnext.d.ts", "lib.dom.d.ts"],
    module: ts.ModuleKind.NodeNext,
    noEmit: true,
    strict: true,
    target: ts.ScriptTarget.ES2022,
    types: [],
  });
  const texts = program.getSemanticDiagnostics().map(({ messageText }) =>
    ts.flattenDiagnosticMessageText(messageText, "\n")
  );
  assertEquals(texts, []);
  const declarations = program.getSourceFiles()
    .map(({ fileName }) => fileName.split("/async-interrupt/")[1])
    .filter((name) => name?.endsWith("/mod.d.ts"));
  assertEquals(declarations, ["esm/mod.d.ts", "script/mod.d.ts"]);
});

const runtimes: Record<string, () => Promise<string[]>> = {
  Deno: () => Promise.resolve([Deno.execPath(), "run", "-A"]),
  Bun: async () => [await bun()],
};
for (const major of nodeVersions) {
  runtimes[`Node ${major}`] = async () => [await node(major)];
}
for (const [runtime, start] of Object.entries(runtimes)) {
  for (const [kind, [file]] of Object.entries(programs)) {
    Deno.test(`it interrupts ${runtime} as ${kind}`, async () => {
      const output = await command(...await start(), file);
      assertEquals(output.trim().split("\n").at(-1), "ok");
    });
  }
}

globalThis.addEventListener("unload", () => {
  Deno.removeSync(folder, { recursive: true });
});
