import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const types = new Map<string, string>();

/** The `type` in the nearest package.json of a folder; "" if there is none. */
export function packageType(folder: string): string {
  const known = types.get(folder);
  if (known !== undefined) return known;
  const type = read(join(folder, "package.json")) ??
    (dirname(folder) === folder ? "" : packageType(dirname(folder)));
  types.set(folder, type);
  return type;
}

function read(file: string): string | undefined {
  try {
    return `${JSON.parse(readFileSync(file, "utf8")).type ?? ""}`;
  } catch {
    // It is not there, or the bundler complains.
    return undefined;
  }
}
