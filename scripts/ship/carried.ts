import { Buffer } from "node:buffer";
import { createRequire } from "node:module";
import { brotliDecompressSync } from "node:zlib";
import type { Cell } from "./lib/cell.ts";
import { otherPlatforms } from "./lib/other_platforms.ts";
import { packageFolder } from "./lib/package_folder.ts";

/**
 * Whether both packages carry the libraries of all platforms, byte for byte as they were built.
 * Here only the one of this machine can run.
 */
export async function carriedCells(): Promise<Cell[]> {
  const npm = await packageFolder();
  const require = createRequire(import.meta.url);
  const { places, brotli } = require(`${npm}/script/others.js`);
  const others = brotliDecompressSync(Buffer.from(brotli(), "base64"));
  const code = await Deno.readTextFile(`${npm}/script/all.js`);
  const cells: Cell[] = [];
  for (const platform of otherPlatforms) {
    const built = await Deno.readFile(`lib/${platform}.node`);
    const { library } = await import(`../../ffi/embedded/${platform}.js`);
    const carried: Record<string, Uint8Array> = {
      npm: platform in places
        ? others.subarray(...places[platform])
        : Buffer.from(/return "([\w+/=]{1000,})"/.exec(code)?.[1] ?? "", "base64"),
      jsr: Buffer.from(library(), "base64"),
    };
    for (const [name, bytes] of Object.entries(carried)) {
      const same = Buffer.from(bytes).equals(built);
      cells.push({
        way: `${name}: the package carries the library`,
        where: platform,
        how: "inspected",
        failure: same ? undefined : "not the bytes that were built",
      });
    }
  }
  return cells;
}
