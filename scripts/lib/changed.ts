import { run } from "./run.ts";

/** The files that differ from a revision, including new and deleted ones. */
export async function changedSince(revision: string): Promise<string[]> {
  const lists = await Promise.all([
    run(["git", "diff", "--name-only", "--no-renames", revision, "--"]),
    run(["git", "ls-files", "--others", "--exclude-standard"]),
  ]);
  for (const { ok, output } of lists) if (!ok) throw new Error(output);
  return lists.flatMap(({ output }) => output.split("\n").filter(Boolean));
}
