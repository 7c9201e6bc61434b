import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { atExit } from "./at_exit.ts";

const folders: string[] = [];

function removeAll() {
  for (const folder of folders) {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Makes a folder that is removed when this process ends. */
export function removedAtExit(): string {
  const folder = mkdtempSync(join(tmpdir(), "modules-copy-"));
  if (folders.push(folder) === 1) atExit(removeAll);
  return folder;
}

/**
 * Copies the modules into a folder that is alone in its parent; both are removed when this process
 * ends. With `library`, that file lies beside them; without it, there is none, as in packages from
 * JSR and in bundles. Returns the URL of `mod`.
 */
export function copyModules(library?: string): string {
  const project = new URL("../../", import.meta.url);
  // What runs on Node is joined into few modules; the others lie beside it.
  const joined = fileURLToPath(new URL("modules", project));
  const root = existsSync(joined) ? joined : fileURLToPath(project);
  const folder = join(removedAtExit(), "package");
  for (const name of readdirSync(root)) {
    if (/\.[jt]s$|^src$|^ffi$|^package\.json$/.test(name)) {
      cpSync(join(root, name), join(folder, name), { recursive: true });
    }
  }
  if (library !== undefined) {
    const name = `${process.platform}-${process.arch}.node`;
    cpSync(library, join(folder, "lib", name));
  }
  const extension = import.meta.url.slice(-3);
  return pathToFileURL(join(folder, `mod${extension}`)).href;
}

/**
 * Changes the text of one of the copied modules, such as "ffi/symbols", or of one that is always
 * JavaScript, such as "ffi/embedded/linux-x64.js".
 */
export function editModule(
  module: string,
  name: string,
  change: (text: string) => string,
): void {
  const extension = name.endsWith(".js") ? "" : import.meta.url.slice(-3);
  const file = new URL(name + extension, module);
  const text = readFileSync(file, "utf8");
  const changed = change(text);
  if (changed === text) throw new Error(`${file} does not contain what is to be changed`);
  writeFileSync(file, changed);
}
