import { builtin, fs, process } from "../node.ts";

const { INTERRUPT_SAFEPOINTS_CACHE: wanted = defaultFolder() } = process.env;

/**
 * The folder of the cache, "" for none. What is in it decides what is executed, so one that another
 * user can write to is none.
 */
export const cacheFolder = wanted && isOurs(wanted) ? wanted : "";

function defaultFolder(): string {
  const { HOME, XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  const parent = process.platform === "win32" ? LOCALAPPDATA : XDG_CACHE_HOME;
  const cache = parent || `${HOME || builtin("node:os").homedir()}/.cache`;
  return `${cache}/async-interrupt-safepoints`;
}

/** Makes the folder if it is not there. */
function isOurs(folder: string): boolean {
  try {
    // If it is there, permissions that allow to read it are enough.
    if (!fs.existsSync(folder)) fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { mode, uid } = fs.statSync(folder);
    const othersWrite = 0o022;
    return process.platform === "win32" ||
      (uid === 0 || uid === process.geteuid!()) && (mode & othersWrite) === 0;
  } catch {
    // Below a file, or in a folder that is read-only.
    return false;
  }
}
