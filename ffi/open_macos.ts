import { type Attempt, fromFile, temporaryFolder, type Way } from "./open_embedded.ts";
import { granted } from "./permission.ts";
import { process, runtime } from "./runtime.ts";

/**
 * The ways to open the library on macOS, best first: from `file` if its bytes are those of
 * `library`; then from a new file. There is no /proc to open a file by its descriptor, so every
 * folder on the way must be one that only this user or root can change.
 */
export function* macosWays<T>(
  library: string,
  file: string | undefined,
): Generator<Way<T>> {
  if (runtime !== "deno" && file !== undefined) {
    yield (attempt) =>
      fromFile(file, library, attempt, () => {
        demandFolders(file);
        return file;
      });
  }
  for (const folder of new Set([temporaryFolder(), "/tmp"])) {
    if (granted({ name: "write", path: folder })) {
      yield (attempt) => fromNewFolder(folder, library, attempt);
    }
  }
}

/** @throws Error if another user could put another file in the place of this one. */
function demandFolders(file: string): void {
  const fs = process().getBuiltinModule("node:fs");
  const othersWrite = 0o022;
  const sticky = 0o1000;
  const folders = fs.realpathSync(file).split("/").slice(0, -1);
  for (; folders.length > 0; folders.pop()) {
    const folder = folders.join("/") || "/";
    const { mode, uid } = fs.statSync(folder);
    const isOurs = uid === 0 || uid === process().geteuid();
    if (!isOurs || (mode & othersWrite) !== 0 && (mode & sticky) === 0) {
      throw new Error(`${file}: not opened, since others can change ${folder}`);
    }
  }
}

/**
 * Uses a new folder that nobody else can open. It is removed at once: a library that is loaded
 * needs no name.
 */
function fromNewFolder<T>(folder: string, library: string, attempt: Attempt<T>): T | undefined {
  const fs = process().getBuiltinModule("node:fs");
  const own = fs.mkdtempSync(`${folder}/async-interrupt-`);
  const file = `${own}/library.node`;
  try {
    const fd = fs.openSync(file, "wx", 0o400);
    try {
      fs.writeFileSync(fd, library, "base64");
    } finally {
      fs.closeSync(fd);
    }
    return attempt(file, folder);
  } finally {
    fs.unlinkSync(file);
    fs.rmdirSync(own);
  }
}
