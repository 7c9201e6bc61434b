import { type Outcome, run } from "../scripts/lib/run.ts";
import { write } from "../scripts/lib/write.ts";
import { commandsOf } from "./runtimes.ts";

const root = new URL("..", import.meta.url);
const folder = new URL("build/rust/", root);

/** Runs the loops of docs/event_loops.md in Rust, on all runtimes: mio's and tokio's. */
export async function rust(): Promise<Outcome & { note: string }> {
  const docs = await Deno.readTextFile(new URL("docs/event_loops.md", root));
  for (const [, example] of docs.matchAll(/^```rust\n([^]*?)^```$/gm)) {
    const [, crate] = /^use (mio|tokio)::/m.exec(example!)!;
    await write(new URL(`${crate}.rs`, folder), example!);
  }
  const manifest = "--manifest-path=verify/rust/Cargo.toml";
  const built = await run(
    ["cargo", "build", "--quiet", manifest, "--target-dir=build/rust"],
    { cwd: root, timeout: 600 },
  );
  if (!built.ok) return { ...built, note: "cargo build" };
  // The runtimes load addons by the name of their file.
  const addon = new URL("rust_loops.node", folder);
  await Deno.copyFile(new URL("debug/librust_loops.so", folder), addon);

  const woken: string[] = [];
  for (const [name, command] of await commandsOf("tests/programs/rust_loops")) {
    const { ok, output } = await run([...command, addon.pathname], { cwd: root, timeout: 60 });
    if (!ok) return { ok, output: `${name}: ${output}`, note: "" };
    woken.push(`${output.trim()} on ${name}`);
  }
  return { ok: true, output: "", note: `wakes of mio and tokio: ${woken.join(", ")}` };
}
