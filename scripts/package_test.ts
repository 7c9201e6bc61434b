/**
 * The npm package as users get it: packed, installed, and run on every runtime. Part of
 * `deno task ok`.
 */

import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import * as esbuild from "esbuild";
import { Buffer } from "node:buffer";
import { createRequire } from "node:module";
import process from "node:process";
import { brotliCompressSync, brotliDecompressSync } from "node:zlib";
import ts from "typescript";
import ts52 from "typescript-5.2";
import config from "../deno.json" with { type: "json" };
import { bundlers, type Format } from "./lib/bundlers.ts";
import { files as withFile } from "./lib/embedded_npm.ts";
import { removeFolder, run, temporaryFolder } from "./lib/run.ts";
import { bun, node, nodeVersions } from "./lib/toolchain.ts";

// Builds npm/, with or without JSR, depending on the import map.
await import("./build_npm.ts");

const npm = new URL("../npm/", import.meta.url);
const folder = await temporaryFolder("async-interrupt-package-");

/** A POSIX signal and a call of `signal()`, both handled in the middle of a loop. */
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
const programs: Record<"ESM" | "CommonJS", [file: string, text: string]> = {
  ESM: ["main.mjs", `import ${names} from "async-interrupt";\n${program}`],
  CommonJS: [
    "main.cjs",
    `const ${names} = require("async-interrupt");\n${program}`,
  ],
};

/** Both ways to load the package, in one process. */
const classes = `
import * as esm from "async-interrupt";
import { createRequire } from "node:module";
const cjs = createRequire(import.meta.url)("async-interrupt");
for (const name of ["checkpoint", "EventPipe", "Interrupt", "InterruptError"]) {
  if (esm[name] !== cjs[name]) throw new Error(name + " is there twice");
  if (esm[name].name !== name) throw new Error("renamed: " + esm[name].name);
}
let seen;
const callback = (value) => seen = value;
const interrupt = new esm.Interrupt({ callback, pipe: new cjs.EventPipe() });
cjs.Interrupt.signal(interrupt.signalFunc(), 7);
cjs.checkpoint();
interrupt.close();
if (seen !== 7) throw new Error("seen: " + seen);
console.log("ok");
`;

/** The subpath, with the driver that the runtime has. */
const sqlite = `
// Node 22 calls its driver experimental.
process.removeAllListeners("warning");
const { DatabaseSync, Database } = process.getBuiltinModule("bun:sqlite") ??
  process.getBuiltinModule("node:sqlite") ?? {};
const endless = "WITH RECURSIVE c AS (SELECT 1 UNION ALL SELECT * FROM c) SELECT count(*) FROM c";
let seen = "none";
try {
  const db = Database ? new Database("data.db")
    : DatabaseSync ? new DatabaseSync("data.db", { allowExtension: true }) : {};
  interruptibleDatabase(db);
  interruptible(() => db.prepare(endless).all(), { timeout: 10 });
} catch ({ name }) {
  seen = name;
}
if (seen !== (Database ?? DatabaseSync ? "TimeoutError" : "TypeError")) throw new Error(seen);
console.log("ok");
`;
/** What the package is made from may be right, and the package not. */
const stack = `
import { checkpoint, interruptible } from "async-interrupt";
function compute() { for (;;) checkpoint(); }
let stack = "none";
try {
  interruptible(compute, { timeout: 1 });
} catch (error) {
  stack = error.stack;
}
console.log(/^TimeoutError: Interrupted after 1 ms\\n +at compute .*stack\\.mjs/.test(stack) ? "ok" : stack);
`;

const sqlitePrograms = {
  "sqlite.mjs": `import { interruptible } from "async-interrupt";
    import { interruptibleDatabase } from "async-interrupt/sqlite";\n${sqlite}`,
  "sqlite.cjs": `const { interruptible } = require("async-interrupt");
    const { interruptibleDatabase } = require("async-interrupt/sqlite");\n${sqlite}`,
};

/** The files of the Worker example in README.md; the first line of each is its name. */
async function readExample(): Promise<[name: string, text: string][]> {
  const readme = await Deno.readTextFile("README.md");
  const files = readme.matchAll(/^```js ignore\n\/\/ (\S+)\n([^]*?)^```$/gm);
  return Array.from(files, ([, name, text]) => [name!, text!]);
}

async function command(...command: string[]): Promise<string> {
  return await commandIn(folder, ...command);
}

async function commandIn(cwd: string, ...command: string[]): Promise<string> {
  const { ok, output } = await run(command, { cwd, timeout: 60 });
  assert(ok, `${command.join(" ")}\n${output}`);
  return output;
}

async function runsWell(start: string[], file: string, cwd = folder) {
  const output = await commandIn(cwd, ...start, file);
  assertEquals(output.trim().split("\n").at(-1), "ok");
}

async function readJson(file: URL | string) {
  return JSON.parse(await Deno.readTextFile(file));
}

const target = `${process.platform}-${process.arch}`;
/** The platforms whose libraries are built: this one, and after `deno task build --all` all. */
const built = Array.from(Deno.readDirSync("lib"), ({ name }) => name.replace(".node", ""));
/** The one whose text is not compressed. */
const whole = "linux-x64";
const installed = `${folder}/node_modules/async-interrupt`;
let tarball = "";

Deno.test("the package installs", async () => {
  await Deno.writeTextFile(`${folder}/package.json`, "{}");
  for (const [file, text] of Object.values(programs)) {
    await Deno.writeTextFile(`${folder}/${file}`, text);
  }
  await Deno.writeTextFile(`${folder}/classes.mjs`, classes);
  await Deno.writeTextFile(`${folder}/stack.mjs`, stack);
  for (const [file, text] of Object.entries(sqlitePrograms)) {
    await Deno.writeTextFile(`${folder}/${file}`, text);
  }
  const example = await readExample();
  assertEquals(example.map(([name]) => name), ["main.mjs", "worker.mjs"]);
  await Deno.mkdir(`${folder}/example`);
  for (const [name, text] of example) await Deno.writeTextFile(`${folder}/example/${name}`, text);
  const name = Deno.build.os === "windows" ? "npm.cmd" : "npm";
  await command(name, "pack", decodeURIComponent(npm.pathname));
  const tarballs = Array.from(Deno.readDirSync(folder), ({ name }) => name)
    .filter((name) => name.endsWith(".tgz"));
  const { version } = await readJson(new URL("package.json", npm));
  assertEquals(tarballs, [`async-interrupt-${version}.tgz`]);
  await command(name, "install", "--offline", tarballs[0]!);
  tarball = `${folder}/${tarballs[0]}`;
});

Deno.test("it needs no other package and runs nothing at install", async () => {
  const json = await readJson(`${installed}/package.json`);
  for (const name of ["install", "preinstall", "postinstall", "prepare"]) {
    assertEquals(json.scripts?.[name], undefined);
  }
  assertEquals(json.dependencies ?? {}, {});
  assertEquals(json.peerDependencies ?? {}, {});
});

Deno.test("it holds what its users need, and nothing else", async () => {
  const listed = await command("tar", "-tzf", tarball);
  const files = listed.trim().split("\n")
    .map((path) => path.replace(/^package\//, ""))
    .filter((path) => !path.endsWith(".d.ts"));
  assertEquals(
    files.sort(),
    [
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "esm/mod.js",
      "esm/package.json",
      "esm/sqlite.js",
      "include/async_interrupt.h",
      ...withFile.filter((name) => built.includes(name)).map((name) => `lib/${name}.node`),
      "package.json",
      "script/all.js",
      "script/for_esm.js",
      "script/mod.js",
      "script/others.js",
      "script/package.json",
      "script/sqlite.js",
    ].sort(),
  );
});

Deno.test("package.json names the source and the supported runtimes", async () => {
  const json = await readJson(`${installed}/package.json`);
  const { type, sideEffects, repository, bugs, homepage, engines } = json;
  assertEquals([type, sideEffects], ["commonjs", false]);
  for (const url of [repository.url, bugs.url, homepage]) new URL(url);
  assertEquals(Object.keys(engines).sort(), ["bun", "deno", "node"]);
});

Deno.test("on npm, the links and pictures in its texts are absolute", async () => {
  for (const name of ["README.md", "CHANGELOG.md"]) {
    const text = await Deno.readTextFile(`${installed}/${name}`);
    const targets = Array.from(
      text.matchAll(/\]\(([^)]*)\)|(?:src|srcset|href)="([^"]*)"/g),
      ([, link, source]) => (link ?? source)!,
    );
    assert(targets.length > 0);
    assertEquals(targets.filter((target) => !/^https:/.test(target)), []);
  }
});

Deno.test("publint has no complaints", async () => {
  const tool = config.imports.publint;
  await commandIn(
    ".",
    Deno.execPath(),
    "run",
    "-A",
    tool,
    "--strict",
    installed,
  );
});

Deno.test("Are the types wrong? No", async () => {
  const tool = config.imports["@arethetypeswrong/cli"];
  await commandIn(".", Deno.execPath(), "run", "-A", tool, tarball);
});

/** A TypeScript program that uses the package. Every compiler version must accept it. */
const typed = `
import { checkpoint, EventPipe, Interrupt, InterruptError } from "async-interrupt";
import type { InterruptOptions, NativeFunction, WaitOptions } from "async-interrupt";
import { interruptibleDatabase } from "async-interrupt/sqlite";

export function watch(options: InterruptOptions, wait: WaitOptions): Interrupt {
  using pipe = new EventPipe();
  const { func }: NativeFunction = pipe.signalFunc();
  const interrupt = new Interrupt({ ...options, pipe });
  const first: Promise<number> = interrupt.wait(wait);
  void first.finally(checkpoint);
  return func === 0n ? new Interrupt() : interrupt;
}

export async function count(interrupt: Interrupt): Promise<number> {
  let sum = 0;
  for await (const value of interrupt) sum += value;
  return sum;
}

export function isClosed(error: unknown): boolean {
  return error instanceof InterruptError && error.code === "CLOSED";
}

export function tie(db: { loadExtension(path: string): void }): Disposable {
  return interruptibleDatabase(db, new Interrupt());
}

// @ts-expect-error: else nothing was found, and all of it is any.
new Interrupt({ signal: true });
// @ts-expect-error: the same.
interruptibleDatabase({});
`;
/** ES modules and CommonJS share one class. */
const typedBoth = `
import { Interrupt } from "async-interrupt";
import { count } from "./typed.cjs";
export const sum: Promise<number> = count(new Interrupt());
`;
const modules = ["Node16", "NodeNext"] as const;
const typeScripts: Record<string, [typeof ts, ts.CompilerOptions[]]> = {
  "5.2": [
    // Both versions number their options alike.
    ts52 as unknown as typeof ts,
    [
      ...modules.map((name) => ({
        module: ts.ModuleKind[name],
        target: ts.ScriptTarget.ES2022,
      })),
      {
        module: ts.ModuleKind.ESNext,
        moduleResolution: ts.ModuleResolutionKind.Bundler,
        target: ts.ScriptTarget.ES2022,
      },
      {
        module: ts.ModuleKind.CommonJS,
        moduleResolution: ts.ModuleResolutionKind.Node10,
        target: ts.ScriptTarget.ES2022,
      },
    ],
  ],
  "6.0": [
    ts,
    [
      // The compiler's defaults.
      {},
      ...modules.map((name) => ({ module: ts.ModuleKind[name] })),
      {
        module: ts.ModuleKind.Preserve,
        moduleResolution: ts.ModuleResolutionKind.Bundler,
      },
    ],
  ],
};
for (const [version, [compiler, variants]] of Object.entries(typeScripts)) {
  Deno.test(`TypeScript ${version} compiles its types, without @types/node, with and without the DOM`, async () => {
    const texts = {
      "typed.mts": typed,
      "typed.cts": typed,
      "both.mts": typedBoth,
    };
    for (const [name, text] of Object.entries(texts)) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    // Read TypeScript's own declarations only once.
    const sources = new Map<string, ts.SourceFile | undefined>();
    for (const variant of variants) {
      for (const lib of [undefined, ["lib.es2022.d.ts"]]) {
        const options = {
          ...variant,
          lib,
          noEmit: true,
          // Do not check TypeScript's own declarations, which takes long.
          skipDefaultLibCheck: true,
          strict: true,
          types: [],
        };
        const host = compiler.createCompilerHost(options);
        const { getSourceFile } = host;
        host.getSourceFile = (name, ...rest) => {
          if (!/\/lib\.[^/]*$/.test(name)) return getSourceFile(name, ...rest);
          if (!sources.has(name)) {
            sources.set(name, getSourceFile(name, ...rest));
          }
          return sources.get(name);
        };
        const program = compiler.createProgram(
          Object.keys(texts).map((name) => `${folder}/${name}`),
          options,
          host,
        );
        const found = compiler.getPreEmitDiagnostics(program)
          .map(({ file, messageText }) =>
            `${file?.fileName}: ${compiler.flattenDiagnosticMessageText(messageText, "\n")}`
          );
        assertEquals(found, [], JSON.stringify({ ...variant, lib }));
      }
    }
  });
}

for (const major of nodeVersions) {
  Deno.test(`on Node ${major} realms that end on one thread leave nothing behind`, async () => {
    const program = new URL("../tests/programs/realms.cjs", import.meta.url);
    const output = await command(
      ...[
        await node(major),
        "--expose-gc",
        decodeURIComponent(program.pathname),
      ],
      // More realms than a former version could have.
      ...[`${installed}/script/all.js`, "1100"],
    );
    assertEquals(output, "begins\nclosed\nleft open\nunreferred\n");
  });
}

Deno.test("Node reads the libraries of other platforms only where one of them is needed", async () => {
  await Deno.writeTextFile(
    `${folder}/read.cjs`,
    `const { Interrupt } = require("async-interrupt");
     new Interrupt().close();
     console.log(Object.keys(require.cache).filter((file) => file.includes("others")).length);`,
  );
  for (const major of nodeVersions) {
    const read = target === whole ? 0 : 1;
    assertEquals(await command(await node(major), "read.cjs"), `${read}\n`);
  }
});

Deno.test("on a platform without a library an old Node gets the error that names the platform", async () => {
  await Deno.writeTextFile(
    `${folder}/unsupported.cjs`,
    `Object.defineProperty(process, "platform", { value: "sunos" });
     delete process.getBuiltinModule;
     const { Interrupt } = require("async-interrupt");
     try {
       new Interrupt();
     } catch ({ name, code, message }) {
       console.log(name, code, message);
     }`,
  );
  const cpu = process.arch;
  const names = "darwin-arm64, darwin-x64, linux-arm64, linux-x64, win32-arm64, win32-x64";
  assertEquals(
    await command(await node(nodeVersions[0]!), "unsupported.cjs"),
    `InterruptError UNSUPPORTED Cannot load the native library: there is none for sunos-${cpu}, only for ${names}\n`,
  );
});

Deno.test("the text for the other platforms is that of the built files", async () => {
  const require = createRequire(import.meta.url);
  const { places, brotli } = require(`${installed}/script/others.js`);
  const all = brotliDecompressSync(Buffer.from(brotli(), "base64"));
  const others = built.filter((name) => name !== whole);
  assertEquals(Object.keys(places).sort(), others.sort());
  for (const name of others) {
    assertEquals(
      all.subarray(...places[name]),
      Buffer.from(await Deno.readFile(`lib/${name}.node`)),
    );
  }
});

Deno.test("a library that is compressed in the package is opened", async () => {
  // As on the other platforms: only the library of this one can be opened here.
  const copy = `${folder}/compressed`;
  await Deno.mkdir(copy);
  const text = await Deno.readTextFile(`${installed}/script/all.js`);
  const bytes = await Deno.readFile(`lib/${target}.node`);
  const brotli = brotliCompressSync(Buffer.concat([Buffer.of(1, 2, 3), bytes])).toString("base64");
  const places = { [target]: [3, 3 + bytes.length] };
  await Deno.writeTextFile(
    `${copy}/others.js`,
    `exports.places = ${JSON.stringify(places)};\nexports.brotli = () => "${brotli}";\n`,
  );
  const changed = text.replace(
    RegExp(`"${whole}": library\\b`),
    `"${target}": () => other("${target}")`,
  );
  assertNotEquals(changed, text);
  await Deno.writeTextFile(`${copy}/all.js`, changed);
  await Deno.writeTextFile(
    `${copy}/main.cjs`,
    programs.CommonJS[1].replace("async-interrupt", "./all.js"),
  );
  for (const start of Object.values(runtimes)) await runsWell(await start(), "compressed/main.cjs");
});

Deno.test("the code for macOS and Windows, which Linux does not read, has all that it uses", async () => {
  const copy = `${folder}/elsewhere`;
  await Deno.mkdir(copy);
  await Deno.copyFile(`${installed}/script/all.js`, `${copy}/all.js`);
  const bytes = await Deno.readFile(`lib/${target}.node`);
  const places = Object.fromEntries(
    ["darwin", "win32"].map((os) => [`${os}-${process.arch}`, [0, bytes.length]]),
  );
  await Deno.writeTextFile(
    `${copy}/others.js`,
    `${await Deno.readTextFile(`${installed}/script/others.js`)}
exports.places = ${JSON.stringify(places)};
exports.brotli = () => "${brotliCompressSync(bytes).toString("base64")}";
`,
  );
  await Deno.writeTextFile(
    `${copy}/main.cjs`,
    `Object.defineProperty(process, "platform", { value: process.argv[2] });
     process.env.TMPDIR = __dirname;
     try {
       new (require("./all.js").Interrupt)().close();
       console.log("opened");
     } catch ({ code, message }) {
       console.log(code, message);
     }`,
  );
  for (const major of nodeVersions) {
    const run = async (os: string) => await command(await node(major), `${copy}/main.cjs`, os);
    assertEquals(await run("darwin"), "opened\n");
    // Linux has no paths of Windows.
    assertMatch(await run("win32"), /^LIBRARY_NOT_FOUND .*: set TEMP .*\nError: ENOENT.*\n$/);
  }
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
      await runsWell(await start(), file);
    });
  }
  Deno.test(`the Worker example of README.md runs on ${runtime}`, async () => {
    assertEquals(await command(...await start(), "example/main.mjs"), "done\n");
  });
  Deno.test(`on ${runtime} \`async-interrupt/sqlite\` stops a query, imported and required`, async () => {
    for (const file of Object.keys(sqlitePrograms)) await runsWell(await start(), file);
  });
  Deno.test(`on ${runtime} the stack of an error begins with the code that was stopped`, async () => {
    await runsWell(await start(), "stack.mjs");
  });
  Deno.test(`on ${runtime}, import and require() get the same classes`, async () => {
    await runsWell(await start(), "classes.mjs");
  });
}

/** Where bundles run: the package and the folder in which they were made do not exist there. */
const away = await temporaryFolder("async-interrupt-bundles-");

for (const [bundler, bundle] of Object.entries(bundlers)) {
  for (const format of ["esm", "cjs"] satisfies Format[]) {
    for (const kind of ["ESM", "CommonJS"] as const) {
      const [file] = programs[kind];
      Deno.test(`${bundler} makes a bundle of ${kind} as ${format} that runs in another folder`, async () => {
        const extension = format === "esm" ? "mjs" : "cjs";
        const name = `${bundler}-${kind}.${extension}`.replace(" ", "-");
        await bundle(`${folder}/${file}`, `${folder}/out/${name}`, format);
        await Deno.rename(`${folder}/out/${name}`, `${away}/${name}`);
        const hidden = `${folder}-hidden`;
        await Deno.rename(folder, hidden);
        try {
          const names = ["Deno", "Bun", `Node ${nodeVersions[0]}`];
          await Promise.all(names.map(async (runtime) => {
            await runsWell(await runtimes[runtime]!(), name, away);
          }));
        } finally {
          await Deno.rename(hidden, folder);
        }
      });
    }
  }
}

for (const format of ["esm", "cjs"] satisfies Format[]) {
  const name = `Node opens the library that lies beside a bundle in ${format}`;
  Deno.test({ name, ignore: !withFile.includes(target) }, async () => {
    const library = `lib/${target}.node`;
    await Deno.mkdir(`${away}/lib`, { recursive: true });
    await Deno.copyFile(library, `${away}/${library}`);
    await Deno.writeTextFile(
      `${folder}/beside.mjs`,
      `import { Interrupt } from "async-interrupt";
       import { readFileSync } from "node:fs";
       new Interrupt().close();
       const maps = readFileSync("/proc/self/maps", "utf8");
       console.log(maps.includes("${away}/${library}") ? "ok" : maps);`,
    );
    const output = `dist/beside.${format === "esm" ? "mjs" : "cjs"}`;
    await bundlers.esbuild!(`${folder}/beside.mjs`, `${away}/${output}`, format);
    for (const major of nodeVersions) {
      await runsWell([await node(major)], output, away);
    }
  });
}

for (const bundler of ["esbuild", "rollup", "vite"]) {
  Deno.test(`${bundler} leaves the package out if nothing of it is used`, async () => {
    await Deno.writeTextFile(
      `${folder}/unused.mjs`,
      `import { Interrupt } from "async-interrupt";\nconsole.log("ok");\n`,
    );
    const output = `${folder}/out/${bundler}-unused.mjs`;
    await bundlers[bundler]!(`${folder}/unused.mjs`, output, "esm");
    const { size } = await Deno.stat(output);
    assert(size < 1000, `${size} bytes`);
  });
}

globalThis.addEventListener("unload", () => {
  esbuild.stop();
  for (const made of [folder, away]) removeFolder(made);
});

await import("./safepoints_package_test.ts");
