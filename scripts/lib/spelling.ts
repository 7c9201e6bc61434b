import config from "../../deno.json" with { type: "json" };
import { type Outcome, run } from "./run.ts";
import { tracked } from "./tracked.ts";

const root = new URL("../..", import.meta.url);

/** Checks the spelling of prose, comments and names. cspell.json has the project's own words. */
export async function spelling(): Promise<Outcome> {
  const files = await tracked("*.ts", "*.zig", "*.md", "*.pml");
  return run([
    Deno.execPath(),
    "run",
    "-A",
    "--quiet",
    config.imports.cspell,
    "lint",
    "--no-progress",
    "--no-color",
    ...files,
  ], { cwd: root });
}
