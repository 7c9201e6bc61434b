import { fs, module, process } from "../node.ts";
import { cacheFolder } from "./cache_folder.ts";

/** What `node:module` has from Node 22.1 on. */
interface WithCompileCache {
  enableCompileCache?(folder: string): unknown;
}

/**
 * Has Node keep what V8 compiles. So a program that is read from the cache, with safepoints, starts
 * sooner the second time than without. Does nothing if the program has a compile cache already, or
 * if `$NODE_DISABLE_COMPILE_CACHE` is set. Coverage would be less precise with it.
 */
export function keepCompiled(): void {
  const { enableCompileCache } = module as WithCompileCache;
  if (cacheFolder === "" || process.env.NODE_V8_COVERAGE || !enableCompileCache) return;
  const folder = `${cacheFolder}/compiled`;
  try {
    // Node would let others write to it, if the umask does.
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch {
    // Read-only: Node keeps nothing then, and says nothing.
  }
  enableCompileCache(folder);
}
