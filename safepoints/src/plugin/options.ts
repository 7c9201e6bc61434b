import type { Engine } from "../poll.ts";

/** Globs for the ends of paths, such as `"*.min.js"` or `"vendor/**"`, or patterns for paths. */
export type Files = string | RegExp | readonly (string | RegExp)[];

/** What the plugin instruments, and how. */
export interface SafepointsOptions {
  /** Whether functions get a safepoint at their entry too. Default false: loops only. */
  functions?: boolean;
  /** Only these files. Default: all JavaScript and TypeScript, dependencies included. */
  include?: Files;
  /** Not these files. Default: none. */
  exclude?: Files;
  /** The engine that will run the code. Default "any", which costs V8 one store more a turn. */
  engine?: Engine;
}

/** How each option is checked, and what it must be. */
const checks: Record<keyof SafepointsOptions, [(value: unknown) => boolean, string]> = {
  functions: [(value) => typeof value === "boolean", "true or false"],
  include: [isFiles, "a string, a RegExp or an array of these"],
  exclude: [isFiles, "a string, a RegExp or an array of these"],
  engine: [(value) => ["v8", "jsc", "any"].includes(value as string), '"v8", "jsc" or "any"'],
};
const what = "Cannot make the plugin for safepoints";

/**
 * The options, if they are right.
 *
 * @throws {TypeError} that names the option which is wrong.
 */
export function checked(options: SafepointsOptions = {}): SafepointsOptions {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`${what}: options must be an object, not ${shown(options)}`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(checks, name)) {
      const names = Object.keys(checks).join(", ");
      throw new TypeError(`${what}: there is no option "${name}": the options are ${names}`);
    }
    const [isRight, kind] = checks[name as keyof SafepointsOptions];
    if (value !== undefined && !isRight(value)) {
      throw new TypeError(`${what}: ${name} must be ${kind}, not ${shown(value)}`);
    }
  }
  return options;
}

function isFiles(value: unknown): boolean {
  return [value].flat().every((file) => typeof file === "string" || file instanceof RegExp);
}

function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : value === null ? "null" : typeof value;
}
