/**
 * The one gate: builds, checks and tests everything. `deno task ok --help` shows how to narrow it.
 */

import { relative } from "node:path";
import { build, zigBuild } from "./lib/build.ts";
import { changedSince } from "./lib/changed.ts";
import { circles } from "./lib/circles.ts";
import { longLines } from "./lib/columns.ts";
import { guarantees } from "./lib/guarantees.ts";
import { links } from "./lib/links.ts";
import { prepareModules } from "./lib/modules.ts";
import { publish } from "./lib/publish.ts";
import { demand, optionsOf } from "./lib/options.ts";
import { type Outcome, removeFolder, run, temporaryFolder } from "./lib/run.ts";
import { sideBySide } from "./lib/side_by_side.ts";
import { spelling } from "./lib/spelling.ts";
import {
  bunTests,
  type Counts,
  denoTests,
  nodeEnv,
  nodeTests,
  runTests,
  testFiles,
} from "./lib/tests.ts";
import { bun, node, nodeVersions, oldest, oldestDeno, zig } from "./lib/toolchain.ts";
import { transpile } from "./lib/transpile.ts";
import { unitTests } from "./lib/unit_tests.ts";
import versions from "./lib/versions.json" with { type: "json" };
import { model } from "../verify/model.ts";
import { safepointsFixtures } from "../verify/safepoints.ts";
import { stress } from "../verify/stress.ts";

const help = `Usage: deno task test [--only STEP,...] [--filter TEXT] [FILE...]

  --only     only these steps
  --runtime  like --only
  --filter   only tests whose names contain this text
  --since    only the steps that files changed since this revision can break
  FILE       only these test files

With only files or a filter, all runtimes run and no other step.`;

/** A step without counts counts as one test. */
type Result = Outcome & Partial<Counts> & { note?: string };

const root = new URL("..", import.meta.url);
Deno.chdir(root);
const deno = Deno.execPath();
const runtimes = [
  "deno",
  "bun",
  ...nodeVersions.map((major) => `node${major}`),
];
/**
 * Tests of what differs between versions: how a process ends, how the loop is woken, how the
 * library is opened, what the runtime does with its own listeners.
 */
const filesForOldest = [
  "exit",
  "wait",
  "embedded",
  "runtime_listeners",
  "safepoints",
  "safepoints_register",
  "safepoints_run",
]
  .map((name) => `tests/${name}_test.ts`);
const generated = [
  "ffi/symbols.ts",
  "include/async_interrupt.h",
  "tests/support/testkit_symbols.ts",
  "bench/programs/benchkit_symbols.ts",
];

type Steps = Record<string, () => Promise<Result>>;

/** Always run, one after the other. */
const preparations = ["toolchain", "modules", "build"];

/** Before all that need the build, because it writes files that they read. */
const first: Steps = { stale: staleness };

/** They need no tool, so they begin while tools are fetched. One after the other. */
const texts: Steps = {
  guarantees,
  fmt: () => run([deno, "fmt", "--check"]),
  lint: () => run([deno, "lint"]),
  columns: longLines,
  spelling,
  links,
};

/** These need nothing but the toolchain, so they begin while the rest is built. */
const native: Steps[] = [
  // First, because the others wait for what the build compiles at its beginning.
  { model: () => model(true) },
  { stress: () => stress(true) },
  Object.fromEntries(["Debug", "ReleaseSafe"].map((mode) => {
    return [`zig-${mode.toLowerCase()}`, () => unitTests(mode)];
  })),
];

/** One after the other. */
const checks: Steps = {
  circles: () => circles(flags),
  check: () => run([deno, "check", ...flags]),
  doc: () => run([deno, "doc", "--lint", ...flags, "mod.ts", "sqlite.ts"]),
  "doc-tests": () =>
    denoTest("doc-tests", ["--doc", "mod.ts", "sqlite.ts", "src", "README.md", "docs"]),
  "zig-fmt": () =>
    run([zigPath, "fmt", "--check", "zig-src", "build.zig", "tests/native", "verify"]),
  publish: () => publish(flags),
  fixtures: () => safepointsFixtures(flags),
};

/** They need the build. Side by side, the longest first; those in one lane one after the other. */
const lanes: Steps[] = [
  { deno: () => onDeno("deno", files) },
  checks,
  { bun: async () => onBun("bun", await bun(), files) },
  ...nodeVersions.map((major): Steps => {
    const name = `node${major}`;
    return { [name]: async () => onNode(name, await node(major), files) };
  }),
  // Both build npm/.
  {
    field: () => denoTest("field", ["--no-check", "scripts/field_test.ts"]),
    package: () => denoTest("package", ["--no-check", "scripts/package_test.ts"]),
  },
  { oldest: oldestTests },
];

/** After all others, because it builds what they read. */
const last: Steps = { platforms: otherPlatforms };

const names = [
  ...preparations,
  ...[texts, first, ...native, ...lanes, last].flatMap((steps) => Object.keys(steps)),
];

const { values, positionals } = optionsOf({
  allowPositionals: true,
  options: {
    only: { type: "string", multiple: true, default: [] },
    runtime: { type: "string", multiple: true, default: [] },
    filter: { type: "string" },
    since: { type: "string" },
    help: { type: "boolean" },
  },
});
if (values.help) {
  console.log(`${help}\n\nThe steps:\n  ${names.join(", ")}`);
  Deno.exit();
}
const only = [...values.only, ...values.runtime].flatMap((v) => v.split(","));
demand("step", only, names);
if (values.since) {
  const changed = await changedSince(values.since);
  const isText = (file: string) => /\.md$|^docs\//.test(file);
  const isTest = (file: string) => /^tests\/\w+_test\.ts$/.test(file);
  // A change in any other file may break anything.
  if (changed.every((file) => isText(file) || isTest(file))) {
    only.push("fmt", "spelling", "links", "guarantees", "doc-tests");
    const tests = changed.filter((file) => testFiles().includes(file));
    if (tests.length > 0) only.push("lint", "columns", "circles", "check", ...runtimes);
    positionals.push(...tests);
  }
}
if (only.length === 0 && (positionals.length > 0 || values.filter)) {
  only.push(...runtimes);
}

const files = positionals.length > 0 ? positionals.map((file) => relative(".", file)) : testFiles();
const filter = values.filter;
const total: Counts = { passed: 0, failed: 0, skipped: 0 };

/** Runs, counts and prints one step. */
async function step(
  name: string,
  work: () => Promise<Result>,
): Promise<boolean> {
  const start = performance.now();
  const outcome: Result = await work().catch((error): Result => ({
    ok: false,
    output: `${error instanceof Error ? error.message : error}\n`,
  }));
  const seconds = ((performance.now() - start) / 1000).toFixed(1);

  const { ok, output, passed = Number(ok), skipped = 0, note = "" } = outcome;
  // A crash after the last test fails no test, so count it as one failure.
  const failed = outcome.failed || Number(!ok);
  const counts = { passed, failed, skipped };
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
  const details = outcome.passed === undefined ? "" : `${summary(counts)}, `;
  const word = ok ? "ok" : "FAILED";
  console.log(
    `${name} ... ${word} (${details}${seconds} s) ${note}`.trimEnd(),
  );
  if (!ok) console.log(output.trimEnd());
  return ok;
}

/** A step that `--only` may leave out. */
async function choice(
  name: string,
  work: () => Promise<Result>,
) {
  if (only.length === 0 || only.includes(name)) await step(name, work);
}

const done = { ok: true, output: "" };

/** Runs `deno test` with the flags that every use of it needs. */
function denoTest(name: string, files: string[], path = deno, filter?: string) {
  const report = reportOf(name);
  return runTests(report, denoTests({ path, files, report, filter, flags }));
}

function reportOf(name: string) {
  return `${reports}/${name}.xml`;
}

function summary({ passed, failed, skipped }: Counts) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** The short form of `deno task platforms`, where it can run: not in a container, for one. */
async function otherPlatforms(): Promise<Result> {
  const { os, arch } = Deno.build;
  const probe = "apt-get --version && dpkg-deb --version && unshare -m true";
  if (os !== "linux" || arch !== "x86_64" || !(await run(["sh", "-c", probe])).ok) {
    return { ...done, passed: 0, skipped: 1, note: "needs Debian on x64, and root for mounts" };
  }
  // Those whose tools are fetched soon. Wine is not one, and to build all twice takes long.
  const only = "files,linux_arm64,macos,musl";
  const command = [deno, "run", "-A", "scripts/platforms.ts", "--short", "--only", only];
  const outcome = await run(command, { timeout: 900 });
  const counts = /^(\d+) passed, (\d+) failed, (\d+) skipped$/m.exec(outcome.output);
  const [passed = 0, failed = 0, skipped = 0] = counts?.slice(1).map(Number) ?? [];
  return { ...outcome, passed, failed, skipped };
}

/** Checks that the committed generated files match the Zig declarations. */
async function staleness(): Promise<Outcome> {
  const read = (file: string) => Deno.readTextFile(file).catch(() => "");
  const before = await Promise.all(
    generated.map(async (file) => [file, await read(file)] as const),
  );
  const outcome = await zigBuild("generate");
  if (!outcome.ok) return outcome;
  const stale: string[] = [];
  for (const [file, text] of before) {
    if (await read(file) === text) continue;
    stale.push(file);
    await Deno.writeTextFile(file, text);
  }
  return {
    ok: stale.length === 0,
    output: `${stale.join(" and ")} is older than the Zig declarations: ` +
      "run `deno task build generate` and commit the result",
  };
}

let zigPath = "";
let flags: string[] = [];

const reports = await temporaryFolder("async-interrupt-junit-");
const inOrder = async (steps: Steps) => {
  for (const [name, work] of Object.entries(steps)) await choice(name, work);
};
const fetched = step("toolchain", async () => {
  const nodes = [...nodeVersions, ...oldest.node].map(node);
  [zigPath] = await Promise.all([zig(), bun(), bun(oldest.bun), oldestDeno(), ...nodes]);
  return done;
});
const built = prepare();
// One task more than there are processors. Most tasks run as many tests at a time as there are
// processors. Tests wait more than half of their time, for a process or an idle event loop.
await sideBySide([
  () => inOrder(texts),
  // Fills one lane, so that the build is one of the tasks that run side by side.
  () => built,
  ...native.map((lane) => async () => {
    if (await fetched) await inOrder(lane);
  }),
  ...lanes.map((lane) => async () => {
    if (await built || lane === checks) await inOrder(lane);
  }),
], navigator.hardwareConcurrency + 1);
await inOrder(last);
finish();

/** Returns whether there is a build to test. */
async function prepare(): Promise<boolean> {
  const ready = await fetched && await step("modules", async () => {
    const modules = await prepareModules();
    flags = modules.flags;
    return { ...done, note: modules.note };
  }) && await step("build", async () => {
    await build("testkit", "uv-poll");
    await transpile();
    return done;
  });
  if (!ready) console.log("No tests without a build.");
  await inOrder(first);
  return ready;
}

function onDeno(name: string, files: string[], path?: string) {
  return denoTest(name, ["--no-check", ...files], path, filter);
}

function onBun(name: string, path: string, files: string[]) {
  const report = reportOf(name);
  return runTests(report, bunTests({ path, files, report, filter }));
}

function onNode(name: string, path: string, files: string[]) {
  const report = reportOf(name);
  return runTests(report, nodeTests({ path, files, report, filter }), { env: nodeEnv });
}

/** Runs tests on the oldest versions, side by side; `deno task verify` runs all files there. */
async function oldestTests(): Promise<Outcome & Counts> {
  const some = positionals.length > 0 ? files : filesForOldest;
  // A version that is also pinned for its major has a step of its own, which runs all files.
  const nodes = oldest.node.filter((version) => !Object.values(versions.node).includes(version));
  const outcomes = await Promise.all([
    onDeno(`deno${oldest.deno}`, some, await oldestDeno()),
    onBun(`bun${oldest.bun}`, await bun(oldest.bun), some),
    ...nodes.map(async (version) => onNode(`node${version}`, await node(version), some)),
  ]);
  const sum = (key: keyof Counts) => outcomes.reduce((sum, counts) => sum + counts[key], 0);
  return {
    ok: outcomes.every(({ ok }) => ok),
    output: outcomes.map(({ ok, output }) => ok ? "" : output).join("\n"),
    passed: sum("passed"),
    failed: sum("failed"),
    skipped: sum("skipped"),
  };
}

function finish(): never {
  removeFolder(reports);
  console.log(summary(total));
  Deno.exit(total.failed > 0 ? 1 : 0);
}
