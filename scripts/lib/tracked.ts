import { run } from "./run.ts";

const root = new URL("../..", import.meta.url);

/** The files in git that match a pattern: "*.ts" matches in every folder. */
export async function tracked(...patterns: string[]): Promise<string[]> {
  const { ok, output } = await run(["git", "ls-files", ...patterns], { cwd: root });
  if (!ok) throw new Error(output);
  return output.trim().split("\n").filter(Boolean);
}
