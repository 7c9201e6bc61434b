/**
 * What Deno allows; the others allow all, as far as can be asked. Nothing here prompts but
 * {@linkcode askToOpen}.
 */

import { runtime } from "./runtime.ts";

/** Whether this is granted already. */
export function granted(descriptor: Deno.PermissionDescriptor): boolean {
  return runtime !== "deno" ||
    Deno.permissions.querySync(descriptor).state === "granted";
}

/** Whether every library may be opened, and memory be read. */
export function mayOpenAll(): boolean {
  return granted({ name: "ffi" });
}

/**
 * Whether a bare name reaches the dynamic linker: with --deny-ffi=<path> Deno looks for it in the
 * current folder.
 */
export function keepsNames(): boolean {
  return runtime !== "deno" ||
    !Deno.permissions.querySync({ name: "ffi" }).partial;
}

/**
 * Deno's one question to the user. It asks nobody where there is no terminal, or once the answer
 * was no.
 */
export function askToOpen(): boolean {
  return Deno.permissions.requestSync({ name: "ffi" }).state === "granted";
}

/**
 * Whether --allow-ffi names this very file. A folder says nothing of who put the file there, and
 * Deno would not open it by the descriptor that was compared with what the module carries.
 */
export function mayOpenByName(file: string): boolean {
  const folder = file.slice(0, file.lastIndexOf("/"));
  return granted({ name: "ffi", path: file }) &&
    !granted({ name: "ffi", path: folder });
}
