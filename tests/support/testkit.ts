/** Opens the native helpers of tests and demo (testkit.zig) for the current runtime. */

import { fileURLToPath } from "node:url";
import { open } from "../../ffi/open.ts";
import { cpu, os, runtime } from "../../ffi/runtime.ts";
import { nodeProcess } from "./node_process.ts";
import { symbols } from "./testkit_symbols.ts";

const folder = new URL("../native/lib/", import.meta.url);

/** The path of a file of the native helpers. */
export function pathOf(name: string): string {
  const path = fileURLToPath(new URL(name, folder));
  if (runtime !== "node") return path;
  // This folder is a link into another tree, and Workers and the main thread must open the same
  // file.
  return nodeProcess().getBuiltinModule("node:fs").realpathSync(path);
}

const library = open(
  pathOf(`testkit-${os}-${cpu}.node`),
  "testkit_",
  symbols,
);

/** What testkit.zig exports. */
export const testkit = library.functions;

/** A view of native memory. */
export function memory(address: bigint, length: number): ArrayBuffer {
  const buffer = library.memory(address, length);
  if (buffer === undefined) throw new Error("no view of native memory");
  return buffer;
}

/**
 * The command `sender PID SPEC...`: another process that signals this one; see sender.zig. It is
 * built for the runtime's processor, since qemu-user gives real-time signals other numbers.
 */
export function sender(...specs: string[]): string[] {
  return senderTo(testkit.pid(), ...specs);
}

/** The same for another process than this one. */
export function senderTo(pid: number, ...specs: string[]): string[] {
  return [pathOf(`sender-${os}-${cpu}`), String(pid), ...specs];
}

/** The name of the exported function at an address, if there is one. */
export function symbolAt(address: bigint): string | undefined {
  const name = testkit.symbol_at(address);
  return name === 0n ? undefined : stringAt(name);
}

/** The C string at an address, of up to 63 bytes. */
export function stringAt(address: bigint): string {
  const text = new Uint8Array(memory(address, 64));
  return new TextDecoder().decode(text.slice(0, text.indexOf(0)));
}

/**
 * Starts a native thread that signals this thread every `intervalNs` nanoseconds until the returned
 * function is called. With 0 this thread would only handle signals.
 */
export function startKiller(signal: number, intervalNs: number): () => void {
  testkit.plan(0, BigInt(intervalNs));
  const arg = BigInt(testkit.tid()) * 256n + BigInt(signal);
  const thread = testkit.thread_call(testkit.killer_address(), arg);
  return () => {
    testkit.thread_stop(thread);
    testkit.thread_join(thread);
  };
}

/** Makes a pipe and returns its read and write side. */
export function makePipe(
  { nonblocking = true, cloexec = true } = {},
): [readFd: number, writeFd: number] {
  return unpack(testkit.pipe(Number(cloexec), Number(nonblocking)));
}

/** Makes two connected, non-blocking sockets. */
export function makeSocketpair(): [number, number] {
  return unpack(testkit.socketpair());
}

function unpack(ends: bigint): [number, number] {
  return [Number(ends & 0xffffffffn), Number(ends >> 32n)];
}

/** Whether a descriptor is readable now. */
export function readable(fd: number): boolean {
  return testkit.readable(fd, 0) === 1;
}
