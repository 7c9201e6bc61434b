/** Builds the native library and embeds what was built in `ffi/embedded.ts`. */

import { deflateRawSync } from "node:zlib";
import { createHash } from "node:crypto";
import { Buffer } from "node:buffer";
import { run } from "./run.ts";
import { zig } from "./toolchain.ts";
import { write } from "./write.ts";

const root = new URL("..", import.meta.url);

/** Runs `zig build` for the library, and for further steps if named. */
export async function build(...steps: string[]): Promise<void> {
  const command = [await zig(), "build", "install", ...steps];
  const { ok, output } = await run(command, { cwd: root, timeout: 600 });
  if (!ok) throw new Error(`zig build failed:\n${output}`);
  await embed();
}

/** Writes the libraries into a module, since JSR ships no other files. */
async function embed() {
  const libraries: Record<string, { sha256: string; deflated: string }> = {};
  const folder = new URL("lib/", root);
  const names = Array.from(Deno.readDirSync(folder), (entry) => entry.name);
  for (const name of names.filter((name) => name.endsWith(".node")).sort()) {
    const bytes = await Deno.readFile(new URL(name, folder));
    libraries[name.slice(0, -".node".length)] = {
      sha256: createHash("sha256").update(bytes).digest("hex"),
      deflated: Buffer.from(deflateRawSync(bytes, { level: 9 }))
        .toString("base64"),
    };
  }
  const text = `// Written by scripts/build.ts. Do not edit.

/** A native library, compressed. */
export interface EmbeddedLibrary {
  /** Of the library itself, in hexadecimal. */
  readonly sha256: string;
  /** Raw deflate, in base64. */
  readonly deflated: string;
}

/** The native libraries by platform, such as "linux-x64". */
export const embedded: Readonly<Record<string, EmbeddedLibrary>> = ${
    JSON.stringify(libraries, null, 2)
  };
`;
  await write(new URL("ffi/embedded.ts", root), text);
}

if (import.meta.main) await build(...Deno.args);
