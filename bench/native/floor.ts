import { peersFolder } from "../peers.ts";
import { run } from "../../scripts/run.ts";
import { zig } from "../../scripts/toolchain.ts";

const source = new URL("floor.c", import.meta.url);
const program = new URL("floor", peersFolder);

let built: Promise<string> | undefined;

/** The path of floor.c's program, compiled when it is not there or older. */
export function floor(): Promise<string> {
  return built ??= build();
}

async function build(): Promise<string> {
  const { mtime } = await Deno.stat(source);
  const before = await Deno.stat(program).catch(() => undefined);
  if (before?.mtime && mtime && before.mtime > mtime) return program.pathname;
  await Deno.mkdir(peersFolder, { recursive: true });
  const { ok, output } = await run([
    await zig(),
    "cc",
    "-O2",
    "-o",
    program.pathname,
    source.pathname,
  ]);
  if (!ok) throw new Error(`floor.c does not compile:\n${output}`);
  return program.pathname;
}
