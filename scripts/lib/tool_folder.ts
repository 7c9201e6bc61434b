import { fileURLToPath } from "node:url";

/** Where all tools are. */
const root = fileURLToPath(new URL("../../.toolchain/", import.meta.url));

/** By name. Steps that run side by side ask for the same tool. */
const folders = new Map<string, Promise<string>>();

/**
 * A folder in `.toolchain/`, which is made if it is not there. It is made under another name and
 * gets its own once it is complete, so that a broken install is never used.
 *
 * @param name its name, with the versions of what is in it.
 * @param make fills a new folder; several processes may do so at once.
 * @param file must be in it; one that lacks it is made again.
 * @returns its path.
 */
export function toolFolder(
  name: string,
  make: (folder: string) => Promise<void>,
  file = "",
): Promise<string> {
  const folder = folders.get(name) ?? makeOnce(name, make, file);
  folders.set(name, folder);
  return folder;
}

async function makeOnce(
  name: string,
  make: (folder: string) => Promise<void>,
  file: string,
): Promise<string> {
  const target = root + name;
  const isThere = () => Deno.stat(`${target}/${file}`).then(() => true, () => false);
  if (await isThere()) return target;
  await Deno.mkdir(root, { recursive: true });
  const temporary = await Deno.makeTempDir({ dir: root, prefix: `${name}.tmp-` });
  try {
    await make(temporary);
    if (!await isThere()) await remove(target);
    await Deno.rename(temporary, target);
  } catch (error) {
    await remove(temporary);
    // Another process may have made it meanwhile.
    if (!await isThere()) throw error;
  }
  // What interrupted installs left. One that is still running fails, and finds that all is there.
  for (const entry of Deno.readDirSync(root)) {
    if (entry.name.startsWith(`${name}.tmp-`)) await remove(root + entry.name);
  }
  return target;
}

async function remove(folder: string): Promise<void> {
  await Deno.remove(folder, { recursive: true }).catch(() => {});
}
