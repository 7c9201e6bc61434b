import { Buffer, builtin, fs } from "./node.ts";

/** The comment that names the source map. Engines take the last one. */
const comment = /\/\/[#@] ?sourceMappingURL=([^\s'"`]+)\s*$/;

/** The code without the comment that names its source map; the line stays. */
export function withoutMap(code: string): string {
  return code.replace(comment, (text) => text.replace(/\S+ ?\S+/, ""));
}

/**
 * The source map that a source names.
 *
 * @param filename an external map is looked for beside it.
 * @returns undefined if it names none.
 * @throws {Error} if it cannot be read.
 */
export function mapOf(source: string, filename: string): object | undefined {
  const url = comment.exec(source)?.[1];
  if (url === undefined) return undefined;
  const inline = /^data:application\/json[^,]*?(;base64)?,/.exec(url);
  const text = inline === null
    ? fs.readFileSync(beside(filename, decodeURI(url)), "utf8")
    : inline[1] === undefined
    ? decodeURIComponent(url.slice(inline[0].length))
    : Buffer.from(url.slice(inline[0].length), "base64").toString();
  return JSON.parse(text);
}

function beside(filename: string, path: string): string {
  const { dirname, resolve } = builtin("node:path");
  return resolve(dirname(filename), path);
}
