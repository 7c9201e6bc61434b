import config from "../../safepoints/deno.json" with { type: "json" };
import { run } from "../../scripts/lib/run.ts";
import { npmRegistry } from "../../scripts/ship/lib/npm_registry.ts";
import { packageFolder, safepointsFolder } from "../../scripts/ship/lib/package_folder.ts";
import { script } from "../../scripts/ship/lib/script.ts";
import { peersFolder } from "./peers.ts";

let project: Promise<string> | undefined;

/** A folder with typescript.cjs, in which npm has installed both packages, as their users do. */
export function safepointsProject(): Promise<string> {
  return project ??= install();
}

async function install(): Promise<string> {
  const folder = `${peersFolder.pathname}safepoints`;
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  await Deno.mkdir(folder, { recursive: true });
  // Here, because Deno looks for packages beside the program.
  const typescript = new URL("node_modules/typescript/lib/typescript.js", peersFolder);
  await Deno.copyFile(typescript, `${folder}/typescript.cjs`);
  const dependencies = {
    "async-interrupt": config.version,
    "async-interrupt-safepoints": config.version,
  };
  await Deno.writeTextFile(`${folder}/package.json`, JSON.stringify({ dependencies }));
  await using registry = await npmRegistry([await packageFolder(), safepointsFolder], folder);
  const { ok, output } = await run(
    [script("npm"), "install", "--no-audit", "--no-fund", `--registry=${registry.url}`],
    { cwd: folder, timeout: 600 },
  );
  if (!ok) throw new Error(output);
  return folder;
}
