import { Buffer } from "node:buffer";
import { platforms } from "./platforms.ts";
import { write } from "./write.ts";

const root = new URL("../..", import.meta.url);

/**
 * Writes each library of `lib/` into a module, because JSR publishes no binary files. A platform
 * that was not built gets an empty text, since ffi/embedded.ts imports them all.
 */
export async function embed(): Promise<void> {
  for (const platform of platforms) {
    const text = await read(new URL(`lib/${platform}.node`, root));
    await write(
      new URL(`ffi/embedded/${platform}.js`, root),
      `// Written by scripts/lib/embed.ts. Do not edit.

/** @returns {string} */
export function library() {
  return ${JSON.stringify(text)};
}
`,
    );
  }
}

async function read(file: URL): Promise<string> {
  try {
    // Regardless of the umask: a library that others can write to is not opened.
    await Deno.chmod(file, 0o644);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
  return Buffer.from(await Deno.readFile(file)).toString("base64");
}
