import { os } from "./runtime.ts";

/**
 * The path of a file beside the folder of this module; undefined where the host does not tell where
 * that is. This is a module of its own because CommonJS has no `import.meta`:
 * scripts/build_npm.ts replaces this file there.
 *
 * @param path of the file, relative to where that folder lies.
 */
export function besideFolder(path: string): string | undefined {
  const url = import.meta.url;
  return url?.startsWith("file:") ? pathOf(new URL(`../${path}`, url)) : undefined;
}

function pathOf({ host, pathname }: URL): string {
  const path = decodeURIComponent(pathname);
  if (os !== "win32") return path;
  // file:///C:/folder, or file://server/share/folder.
  const windows = path.replaceAll("/", "\\");
  return host === "" ? windows.slice(1) : `\\\\${host}${windows}`;
}
