import { Buffer } from "node:buffer";
import { brotliCompressSync, constants } from "node:zlib";
import { files } from "./embedded_npm.ts";
import { platforms } from "./platforms.ts";

/** The platform whose text is in script/all.js, and not compressed (embedded_npm.ts). */
const whole = "linux-x64";

/**
 * Puts the libraries into the npm package. Compressed together five of them take as much as three
 * that are not. Node opens a file sooner, and can open one where no folder can be written to.
 *
 * @param lib the folder of the built libraries.
 * @param npm the folder of the package.
 * @param ways code for the file that only the other platforms read.
 */
export async function packLibraries(lib: string, npm: string, ways: string): Promise<void> {
  await Deno.mkdir(`${npm}/lib`);
  const others: Buffer[] = [];
  const ends: Record<string, [start: number, end: number]> = {};
  let end = 0;
  for (const platform of platforms) {
    const name = `${platform}.node`;
    const bytes = await read(`${lib}/${name}`);
    if (bytes.length === 0) continue;
    if (files.includes(platform)) await Deno.copyFile(`${lib}/${name}`, `${npm}/lib/${name}`);
    if (platform === whole) continue;
    ends[platform] = [end, end += bytes.length];
    others.push(bytes);
  }
  const all = Buffer.concat(others);
  const packed = brotliCompressSync(all, {
    params: { [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_SIZE_HINT]: all.length },
  });
  await Deno.writeTextFile(
    `${npm}/script/others.js`,
    `"use strict";
// Written by scripts/lib/pack_libraries.ts.
exports.places = ${JSON.stringify(ends)};
exports.brotli = () => ${JSON.stringify(packed.toString("base64"))};
${ways}
`,
  );
}

async function read(file: string): Promise<Buffer> {
  try {
    return Buffer.from(await Deno.readFile(file));
  } catch (error) {
    // Not built.
    if (error instanceof Deno.errors.NotFound) return Buffer.alloc(0);
    throw error;
  }
}
