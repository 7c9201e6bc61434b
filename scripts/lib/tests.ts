import { type Outcome, run, type RunOptions } from "./run.ts";

/** How many tests there were. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Which tests run, and where. */
export interface TestRun {
  /** The runtime. */
  path: string;
  files: string[];
  /** The JUnit report that it writes. */
  report: string;
  /** Only tests whose names contain this text. */
  filter?: string;
  /** Further flags, for Deno. */
  flags?: string[];
}

/** All test files. */
export function testFiles(): string[] {
  return Array.from(Deno.readDirSync("tests"), (entry) => entry.name)
    .filter((name) => name.endsWith("_test.ts"))
    .map((name) => `tests/${name}`)
    .sort();
}

/** The command for Deno; also where `files` are options that name other tests. */
export function denoTests({ path, files, report, filter, flags = [] }: TestRun): string[] {
  const filterArgs = filter ? ["--filter", filter] : [];
  const how = ["--parallel", `--junit-path=${report}`];
  return [path, "test", "-A", ...flags, ...how, ...filterArgs, ...files];
}

/** The command for Bun. */
export function bunTests({ path, files, report, filter }: TestRun): string[] {
  return [
    path,
    "test",
    // Each test has its own watchdog, which takes the load of the machine into account; Bun would
    // allow 5 s.
    "--timeout=0",
    "--reporter=junit",
    `--reporter-outfile=${report}`,
    ...filter ? ["-t", patternOf(filter)] : [],
    ...files.map((file) => `./${file}`),
  ];
}

/**
 * Where this is set, Node 20 reads the certificates whenever it starts, which takes longer than all
 * else; no test needs them.
 */
export const nodeEnv = { NODE_EXTRA_CA_CERTS: "" };

/** What Node runs of a test file: see transpile.ts. */
export function nodeFile(file: string): string {
  return `build/node/${file.replace(/\.ts$/, ".js")}`;
}

/** The command for Node. */
export function nodeTests({ path, files, report, filter }: TestRun): string[] {
  return [
    path,
    "--test",
    // As `deno test --parallel`. By itself, Node leaves one processor idle.
    `--test-concurrency=${navigator.hardwareConcurrency}`,
    "--test-reporter=spec",
    "--test-reporter-destination=stdout",
    "--test-reporter=junit",
    `--test-reporter-destination=${report}`,
    ...filter ? [`--test-name-pattern=${patternOf(filter)}`] : [],
    ...files.map(nodeFile),
  ];
}

/** RegExp.escape() also escapes letters, which Bun rejects. */
function patternOf(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

/**
 * Runs tests and counts them from their JUnit report.
 *
 * @returns also why tests were skipped, once for each of them.
 */
export async function runTests(
  report: string,
  command: string[],
  options: RunOptions = {},
): Promise<Outcome & Counts & { reasons: string[] }> {
  // Each test has its own watchdog, so this one is only for a runtime that never ends.
  const { ok, output } = await run(command, { timeout: 1500, ...options });
  const xml = (await Deno.readTextFile(report).catch(() => ""))
    // Node reports a file without tests as a passed test.
    .replace(/<testcase name="[^"]*_test\.js"[^>]*\/>/g, "");
  const count = (tag: RegExp) => xml.match(tag)?.length ?? 0;
  const all = count(/<testcase\b/g);
  const failed = count(/<(failure|error)\b/g);
  const skipped = count(/<skipped\b/g);
  const ran = all > skipped;
  return {
    ok: ok && failed === 0 && ran,
    output: ran ? output : `${output}\nNo test ran.`,
    passed: all - failed - skipped,
    failed,
    skipped,
    reasons: reasonsIn(xml),
  };
}

/** Node's report has the reason in an attribute, for the others it is in the test's name. */
function reasonsIn(xml: string): string[] {
  const skips = xml.matchAll(/<testcase\b[^>]*?\bname="([^"]*)"[^>]*>\s*<skipped\b([^>]*)>/g);
  return Array.from(skips, ([, name, attributes]) => {
    const told = / # SKIP (.*)$/.exec(name!) ?? /\bmessage="([^"]*)"/.exec(attributes!);
    return told?.[1] ?? "";
  });
}
