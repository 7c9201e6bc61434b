import { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { remark } from "remark";
import validateLinks from "remark-validate-links";
import { engine, type Options } from "unified-engine";
import type { Outcome } from "./run.ts";
import { tracked } from "./tracked.ts";

/**
 * Checks that the files and headings that Markdown links to exist. remark-cli cannot do this here:
 * it looks for its plugins in node_modules, which Deno does not create.
 */
export async function links(): Promise<Outcome> {
  const files = await tracked("*.md");
  let output = "";
  const streamError = new Writable({
    write(chunk, _encoding, done) {
      output += chunk;
      done();
    },
  });
  return new Promise((resolve, reject) => {
    const options: Options = {
      processor: remark(),
      // Links to the repository on its host could only be checked with the name of the git remote.
      plugins: [[validateLinks, { repository: false }]] as Options["plugins"],
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
      files,
      output: false,
      frail: true,
      quiet: true,
      color: false,
      detectConfig: false,
      detectIgnore: false,
      streamError,
    };
    engine(options, (error, code) => {
      if (error) reject(error);
      else resolve({ ok: files.length > 0 && code === 0, output });
    });
  });
}
