import { fileURLToPath } from "node:url";
import { run } from "../../lib/run.ts";
import { script } from "./script.ts";
import versions from "../../lib/versions.json" with { type: "json" };

const root = new URL("../../../.toolchain/", import.meta.url);

/** The folder whose `node_modules` has the package managers and bundlers of versions.json. */
export async function tools(): Promise<string> {
  const names = Object.entries(versions.ship).map((entry) => entry.join("-")).join("+");
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(names));
  const name = `ship-${new Uint8Array(hash).toHex().slice(0, 16)}`;
  const folder = fileURLToPath(new URL(name, root));
  if (await exists(folder)) return folder;
  await Deno.mkdir(root, { recursive: true });
  // Renamed once it is complete, so that a broken install is never used.
  const temporary = await Deno.makeTempDir({ dir: fileURLToPath(root), prefix: `${name}.tmp-` });
  try {
    const json = JSON.stringify({ dependencies: versions.ship });
    await Deno.writeTextFile(`${temporary}/package.json`, json);
    const command = [script("npm"), "install", "--ignore-scripts", "--no-audit", "--no-fund"];
    const { ok, output } = await run(command, { cwd: temporary, timeout: 600 });
    if (!ok) throw new Error(output);
    await Deno.rename(temporary, folder);
  } finally {
    await Deno.remove(temporary, { recursive: true }).catch(() => {});
  }
  return folder;
}

async function exists(folder: string): Promise<boolean> {
  return await Deno.stat(folder).then(() => true, () => false);
}
