import { Buffer } from "node:buffer";
import { type Outcome, run } from "./run.ts";
import { nodeHeaders, zig } from "./toolchain.ts";
import { write } from "./write.ts";

const root = new URL("../..", import.meta.url);

/**
 * Runs `zig build` for the library, and for further steps by name. It builds for this machine, with
 * `--all` for all platforms, and with `-Dtarget=linux-arm64` for that one.
 */
export async function build(...steps: string[]): Promise<void> {
  steps = steps.map((step) => step === "--all" ? "-Dtarget=all" : step);
  const headers = steps.includes("uv-poll") ? [`-Dnode-headers=${await nodeHeaders()}`] : [];
  const { ok, output } = await zigBuild("install", ...headers, ...steps);
  if (!ok) throw new Error(`zig build failed:\n${output}`);
  await embed();
}

/** Runs `zig build`. */
export async function zigBuild(...args: string[]): Promise<Outcome> {
  const command = [await zig(), "build", "--error-style", "minimal", "--summary", "none", ...args];
  const outcome = await run(command, { cwd: root, timeout: 600 });
  return { ...outcome, output: withoutRepetitions(outcome.output) };
}

/** Several programs are compiled from the same source, and each compilation prints its errors. */
function withoutRepetitions(output: string): string {
  const parts = output.split(/^(?=compile |\S+:\d+:\d+: error: )/m);
  const byTitle = new Map(parts.map((part) => [part.split("\n", 1)[0]!, part]));
  return [...byTitle].filter(([title]) => !/^compile .* errors$/.test(title))
    .map(([, part]) => part).join("");
}

/** Writes the libraries into a module, because JSR publishes no binary files. */
async function embed() {
  const libraries: Record<string, string> = {};
  const folder = new URL("lib/", root);
  const names = Array.from(Deno.readDirSync(folder), (entry) => entry.name);
  for (const name of names.filter((name) => name.endsWith(".node")).sort()) {
    const file = new URL(name, folder);
    // Regardless of the umask: a library that others can write to is not opened.
    await Deno.chmod(file, 0o644);
    const bytes = await Deno.readFile(file);
    libraries[name.slice(0, -".node".length)] = Buffer.from(bytes).toString(
      "base64",
    );
  }
  const text = `// Written by scripts/lib/build.ts. Do not edit.

/**
 * The native libraries by platform, such as "linux-x64", in base64. Not compressed: in Deno the
 * import of what could decompress them at once takes longer than all else together.
 */
export const embedded: Readonly<Record<string, string>> = ${JSON.stringify(libraries, null, 2)};
`;
  await write(new URL("ffi/embedded.ts", root), text);
}
