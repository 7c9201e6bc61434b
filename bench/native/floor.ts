import { compile } from "./compile.ts";

let built: Promise<string> | undefined;

/** The path of floor.c's program. */
export function floor(): Promise<string> {
  return built ??= compile("floor.c", "floor");
}
