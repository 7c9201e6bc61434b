import { release } from "../lib/release.ts";
import type { Cell } from "./lib/cell.ts";
import { packageFolder } from "./lib/package_folder.ts";

/** What `deno task release --dry-run` checks, as far as it holds between releases. */
export async function releaseCells(): Promise<Cell[]> {
  await packageFolder();
  return Object.entries(await release(true)).map(([name, { ok, output }]): Cell => ({
    way: `release: ${name}`,
    where: "Deno",
    how: "inspected",
    failure: ok ? undefined : output,
  }));
}
