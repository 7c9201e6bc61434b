import { type Outcome, run } from "./run.ts";

const root = new URL("../..", import.meta.url);

/**
 * What `deno publish --dry-run` says, and the files that it would publish.
 *
 * @param folder of the package, with a slash at the end. Default: the core.
 */
export async function published(
  flags: string[],
  folder = "",
): Promise<Outcome & { files: string[] }> {
  const command = [Deno.execPath(), "publish", "--dry-run", "--allow-dirty", ...flags];
  const cwd = new URL(folder, root);
  const outcome = await run(command, { cwd });
  const urls = outcome.output.matchAll(/file:\S+(?= \()/g);
  return { ...outcome, files: Array.from(urls, ([url]) => url.slice(cwd.href.length)) };
}
