/** The name by which a script of npm is started: on Windows npm makes files of another kind. */
export function script(name: string): string {
  return Deno.build.os === "windows" ? `${name}.cmd` : name;
}
