import { type Outcome, run } from "./run.ts";

const root = new URL("../..", import.meta.url);

/** What `deno publish --dry-run` says, and the files that it would publish. */
export async function published(flags: string[]): Promise<Outcome & { files: string[] }> {
  const command = [Deno.execPath(), "publish", "--dry-run", "--allow-dirty", ...flags];
  const outcome = await run(command, { cwd: root });
  const urls = outcome.output.matchAll(/file:\S+(?= \()/g);
  return { ...outcome, files: Array.from(urls, ([url]) => url.slice(root.href.length)) };
}
