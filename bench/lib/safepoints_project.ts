import config from "../../safepoints/deno.json" with { type: "json" };
import { run } from "../../scripts/lib/run.ts";
import { npmRegistry } from "../../scripts/ship/lib/npm_registry.ts";
import { packageFolder, safepointsFolder } from "../../scripts/ship/lib/package_folder.ts";
import { script } from "../../scripts/ship/lib/script.ts";
import { peersFolder } from "./peers.ts";
import pinned from "./peers.json" with { type: "json" };

let project: Promise<string> | undefined;

/**
 * A folder in which npm has installed both packages, as their users do, with typescript.cjs and
 * many.cjs, which loads many files.
 */
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
  const many = Object.keys(pinned.many).map((name) => `require(${JSON.stringify(name)});\n`);
  await Deno.writeTextFile(`${folder}/many.cjs`, many.join(""));
  const dependencies = {
    ...pinned.many,
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
