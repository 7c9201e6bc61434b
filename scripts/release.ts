/** Checks what a release needs, after building both packages. */

import { optionsOf } from "./lib/options.ts";
import { release } from "./lib/release.ts";
import { packageFolder } from "./ship/lib/package_folder.ts";

const { values } = optionsOf({
  options: {
    "dry-run": { type: "boolean" },
    unreleased: { type: "boolean", default: false },
    help: { type: "boolean" },
  },
});
if (values.help || !values["dry-run"]) {
  console.log(`Usage: deno task release --dry-run [--unreleased]

  --dry-run     check what a release needs; nothing is published
  --unreleased  leave out what a release alone needs: changelog, clean tree, tag

A release is published by .github/workflows/publish.yml, when its tag is pushed.`);
  Deno.exit(values.help ? 0 : 1);
}

await packageFolder();
const outcomes = Object.entries(await release(values.unreleased));
for (const [name, { ok, output }] of outcomes) {
  console.log(`${name} ... ${ok ? "ok" : `FAILED\n${output.trimEnd()}`}`);
}
Deno.exit(outcomes.every(([, { ok }]) => ok) ? 0 : 1);
