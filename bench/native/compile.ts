import { peersFolder } from "../lib/peers.ts";
import { run } from "../../scripts/lib/run.ts";
import { zig } from "../../scripts/lib/toolchain.ts";

/**
 * Compiles a C file of this folder into the peers', when what is there is older; gives the path.
 */
export async function compile(
  file: string,
  name: string,
  flags: readonly string[] = [],
): Promise<string> {
  const source = new URL(file, import.meta.url);
  const target = new URL(name, peersFolder);
  const { mtime } = await Deno.stat(source);
  const before = await Deno.stat(target).catch(() => undefined);
  if (before?.mtime && mtime && before.mtime > mtime) return target.pathname;
  await Deno.mkdir(peersFolder, { recursive: true });
  const command = [await zig(), "cc", "-O2", ...flags];
  const { ok, output } = await run([
    ...command,
    "-o",
    target.pathname,
    source.pathname,
  ]);
  if (!ok) throw new Error(`${file} does not compile:\n${output}`);
  return target.pathname;
}
