/**
 * The permissions of Deno. The other runtimes allow everything, as far as can be asked. Only
 * {@linkcode askToOpen} prompts.
 */

import { os, runtime } from "./runtime.ts";

/** Whether this permission is granted already. */
export function granted(descriptor: Deno.PermissionDescriptor): boolean {
  return runtime !== "deno" ||
    Deno.permissions.querySync(descriptor).state === "granted";
}

/** Whether every library may be opened, and native memory be read. */
export function mayOpenAll(): boolean {
  return granted({ name: "ffi" });
}

/**
 * Whether a bare library name reaches the dynamic linker. With --deny-ffi=<path> Deno looks for the
 * name in the current folder.
 */
export function keepsNames(): boolean {
  return runtime !== "deno" ||
    !Deno.permissions.querySync({ name: "ffi" }).partial;
}

/**
 * Asks the user for --allow-ffi: the only question of this module. Deno asks nobody where there is
 * no terminal, or after the answer was no.
 */
export function askToOpen(): boolean {
  return Deno.permissions.requestSync({ name: "ffi" }).state === "granted";
}

/**
 * Whether --allow-ffi names this very file. Allowing a folder is not enough: anybody may have put
 * the file there, and Deno could not open it by the descriptor whose bytes were compared with the
 * library that this module carries.
 */
export function mayOpenByName(file: string): boolean {
  const folder = file.slice(0, file.lastIndexOf(os === "win32" ? "\\" : "/"));
  return granted({ name: "ffi", path: file }) &&
    !granted({ name: "ffi", path: folder });
}
