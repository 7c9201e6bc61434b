import { parseArgs, type ParseArgsConfig } from "node:util";

/** As parseArgs(), but ends the program with a message if an option is unknown. */
export function optionsOf<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    refuse(`${(error as Error).message}\n--help lists the options.`);
  }
}

/** Ends the program if a name is not one of those that exist. */
export function demand(kind: string, names: string[], existing: string[]): void {
  const unknown = names.filter((name) => !existing.includes(name));
  if (unknown.length === 0) return;
  refuse(`There is no ${kind} ${unknown.join(", ")}. There are:\n  ${existing.join(", ")}`);
}

function refuse(message: string): never {
  console.error(message);
  Deno.exit(1);
}
