import { run } from "../../lib/run.ts";
import { toolFolder } from "../../lib/tool_folder.ts";
import versions from "../../lib/versions.json" with { type: "json" };
import { script } from "./script.ts";

/** The folder whose `node_modules` has the package managers and bundlers of versions.json. */
export async function tools(): Promise<string> {
  const names = Object.entries(versions.ship).map((entry) => entry.join("-")).join("+");
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(names));
  const name = `ship-${new Uint8Array(hash).toHex().slice(0, 16)}`;
  return await toolFolder(name, async (folder) => {
    const json = JSON.stringify({ dependencies: versions.ship });
    await Deno.writeTextFile(`${folder}/package.json`, json);
    const command = [script("npm"), "install", "--ignore-scripts", "--no-audit", "--no-fund"];
    const { ok, output } = await run(command, { cwd: folder, timeout: 600 });
    if (!ok) throw new Error(output);
  });
}
