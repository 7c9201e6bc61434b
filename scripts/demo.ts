/** Builds what the demo needs and runs it: `deno task demo --runtime deno|bun|node`. */

import { parseArgs } from "node:util";
import { build } from "./lib/build.ts";
import { bun, node, nodeVersions } from "./lib/toolchain.ts";
import { transpile } from "./lib/transpile.ts";

const root = new URL("..", import.meta.url);

const { values, tokens } = parseArgs({
  strict: false,
  tokens: true,
  options: { runtime: { type: "string", default: "deno" } },
});
// The demo gets all other options.
const rest = tokens.filter((token) => !(token.kind === "option" && token.name === "runtime")).map((
  token,
) => Deno.args[token.index]!);

/** The newest Node for "node", that major version for "node20". */
async function command(runtime: string): Promise<string[]> {
  if (runtime === "deno") {
    return [Deno.execPath(), "run", "-A", "examples/demo.ts"];
  }
  if (runtime === "bun") return [await bun(), "examples/demo.ts"];
  const major = runtime.match(/^node(\d*)$/)?.[1];
  if (major === undefined) {
    throw new RangeError(
      `--runtime ${runtime}: use deno, bun, node or node20 and so on`,
    );
  }
  await transpile();
  return [
    await node(major || nodeVersions.at(-1)!),
    "build/node/examples/demo.js",
  ];
}

console.error("Building the native library: a minute or two the first time");
await build("testkit");
const [executable, ...args] = await command(String(values.runtime));

// Ctrl-C goes to the whole process group. Ignore it here, so that the demo decides what it does.
Deno.addSignalListener("SIGINT", () => {});
const { code } = await new Deno.Command(executable!, {
  args: [...args, ...rest],
  cwd: root,
  stdin: "inherit",
  stdout: "inherit",
  stderr: "inherit",
}).spawn().status;
Deno.exit(code);
