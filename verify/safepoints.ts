import { npmInstall } from "../scripts/lib/npm_install.ts";
import { type Outcome, run } from "../scripts/lib/run.ts";
import { toolFolder } from "../scripts/lib/tool_folder.ts";
import { commandsOf } from "./runtimes.ts";

const root = new URL("..", import.meta.url);
const fixtures = { "test262-parser-tests": "0.0.5", acorn: "8.19.0" };

/**
 * Packages whose files on npm include their tests: two parsers and a formatter. What these tests
 * need besides is in `helpers`.
 */
const suites: Record<string, { version: string; test: string[] }> = {
  esprima: { version: "1.2.5", test: ["esprima/test/runner.js"] },
  "js-beautify": { version: "1.6.14", test: ["js-beautify/js/test/node-beautify-tests.js"] },
  htmlparser2: { version: "3.8.3", test: ["mocha/bin/_mocha", "--reporter", "dot"] },
};
const helpers = { "json-diff": "0.3.1", mocha: "10.8.2" };

const dependencies: Record<string, string> = {
  ...fixtures,
  ...helpers,
  ...Object.fromEntries(Object.entries(suites).map(([name, { version }]) => [name, version])),
};

/**
 * Code with safepoints does what it does without: the long form of the random programs of
 * tests/safepoints_test.ts, the programs of test262-parser-tests, and the tests of packages.
 */
export async function safepoints(short: boolean): Promise<Outcome & { note: string }> {
  const folder = await packages();
  const steps = short ? 500 : 20_000;
  let output = "";
  for (const program of ["random", "fixtures"]) {
    for (const [name, command] of await commandsOf(`tests/programs/safepoints_${program}`)) {
      const result = await run(command, options(folder, { ASYNC_INTERRUPT_STEPS: `${steps}` }));
      output += `${program} on ${name}: ${result.output.trim().replaceAll("\n", "; ")}\n`;
      if (!result.ok) return { ok: false, output, note: `failed on ${name}` };
    }
  }
  for (const [runtime, command] of await commandsOf("safepoints/register")) {
    // It has no hooks.
    if (runtime === "Node 20") continue;
    for (const [name, { test }] of Object.entries(suites)) {
      const { ok, text } = await sameResults(folder, command, name, test);
      output += `tests of ${name} on ${runtime}: ${text}\n`;
      if (!ok) return { ok: false, output, note: `${name} failed on ${runtime}` };
    }
  }
  return { ok: true, output, note: `random programs: ${steps.toLocaleString("en")} each` };
}

/**
 * The programs of test262-parser-tests, on Deno alone.
 *
 * @param flags let Deno find what the package imports.
 */
export async function safepointsFixtures(flags: string[]): Promise<Outcome & { note: string }> {
  const folder = await packages();
  const program = "tests/programs/safepoints_fixtures.ts";
  const command = [Deno.execPath(), "run", "-A", "--no-check", ...flags, program];
  const outcome = await run(command, options(folder));
  return { ...outcome, note: outcome.output.trim() };
}

/** The folder whose `node_modules` has the packages. */
function packages(): Promise<string> {
  const name = Object.entries(dependencies).map((entry) => entry.join("-")).join("+");
  return toolFolder(name, (folder) => npmInstall(folder, dependencies));
}

function options(folder: string, env: Record<string, string> = {}) {
  return { cwd: root, env: { ...env, FIXTURES: `${folder}/` }, timeout: 1200 };
}

/** Whether a package's tests have the same results with safepoints, also at functions. */
async function sameResults(
  folder: string,
  [runtime = "", ...command]: string[],
  name: string,
  [file = "", ...args]: string[],
): Promise<{ ok: boolean; text: string }> {
  const register = new URL(command.pop()!, root).pathname;
  const modules = `${folder}/node_modules`;
  const test = [`${modules}/${file}`, ...args];
  const isNode = register.endsWith(".js");
  // These packages do not say that they are CommonJS.
  if (command[0] === "run") command.push("--unstable-detect-cjs");
  const cache = await Deno.makeTempDir();
  const env = { INTERRUPT_SAFEPOINTS_CACHE: cache, INTERRUPT_SAFEPOINTS_FUNCTIONS: "1" };
  const options = { cwd: `${modules}/${name}`, env, timeout: 120 };
  try {
    const plain = await run([runtime, ...command, ...test], options);
    const preload = [isNode ? "--import" : "--preload", register];
    const safe = await run([runtime, ...command, ...preload, ...test], options);
    const [before, after] = [resultsOf(plain.output), resultsOf(safe.output)];
    const [version] = [...Deno.readDirSync(cache)];
    const files = version ? [...Deno.readDirSync(`${cache}/${version.name}`)].length : 0;
    const ok = before !== "" && before === after && plain.ok === safe.ok && files > 5;
    return ok
      ? { ok, text: `${before} (${files} files)` }
      : { ok, text: `${before || plain.output}; with safepoints, ${files} files: ${safe.output}` };
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
}

/** The lines that count tests, without the time. */
function resultsOf(output: string): string {
  const lines = output.match(/^.*\b\d+ (?:tests|passing|failing)\b.*$/gm) ?? [];
  return lines.map((line) => line.replace(/[(.]?\s*\d+\s*ms\)?$/, "").trim()).join("; ");
}
