/**
 * The part of Node's API that is used here. Not imported from "node:process" and the like: that
 * needs @types/node, and Deno does not type-check a project with a package.json that does not have
 * it installed.
 */
export interface NodeProcess {
  readonly platform: string;
  readonly arch: string;
  readonly argv: readonly string[];
  readonly execArgv: readonly string[];
  dlopen(module: { exports: unknown }, path: string): void;
  geteuid(): number;
  on(event: string, listener: NodeListener): unknown;
  off(event: string, listener: NodeListener): unknown;
  listeners(event: string): unknown[];
  getBuiltinModule<K extends keyof NodeModules>(name: K): NodeModules[K];
}

/** An AsyncLocalStorage. */
export interface AsyncStorage<T> {
  run<R>(value: T, work: () => R): R;
  getStore(): T | undefined;
}

interface NodeModules {
  "bun:ffi": unknown;
  "node:async_hooks": {
    readonly AsyncLocalStorage: {
      new <T>(): AsyncStorage<T>;
      snapshot(): (work: () => void) => void;
    };
  };
  "node:buffer": { readonly Buffer: { from(text: string, encoding: "base64"): NodeBuffer } };
  "node:fs": {
    readonly constants: {
      readonly O_RDONLY: number;
      readonly O_NONBLOCK: number;
    };
    mkdtempSync(prefix: string): string;
    openSync(path: string, flags: string | number, mode?: number): number;
    fstatSync(fd: number): {
      readonly mode: number;
      readonly size: number;
      readonly uid: number;
    };
    readdirSync(path: string): string[];
    statSync(path: string): {
      readonly mode: number;
      readonly mtimeMs: number;
      readonly uid: number;
    };
    realpathSync(path: string): string;
    readFileSync(fd: number | string, encoding: "base64"): string;
    writeFileSync(fd: number, data: string, encoding: "base64"): void;
    closeSync(fd: number): void;
    unlinkSync(path: string): void;
    readlinkSync(path: string): string;
    rmSync(path: string, options: { recursive: boolean }): void;
  };
  "node:net": {
    Socket: new (
      options: { fd: number; readable: boolean; writable: boolean },
    ) => NodeSocket;
  };
  "node:os": {
    readonly constants: {
      readonly errno: Readonly<Record<string, number>>;
      readonly signals: Readonly<Record<string, number>>;
    };
    tmpdir(): string;
  };
  "node:path": { join(...paths: string[]): string; resolve(...paths: string[]): string };
  "node:vm": { runInThisContext(code: string): unknown };
  "node:worker_threads": { readonly isMainThread: boolean };
  "node:zlib": { brotliDecompressSync(bytes: NodeBuffer): NodeBuffer };
}

/** A Buffer. */
interface NodeBuffer {
  subarray(start: number, end: number): NodeBuffer;
  toString(encoding: "base64"): string;
}

/** A listener of an EventEmitter. */
export type NodeListener = (...values: unknown[]) => void;

/** A socket of "node:net". */
export interface NodeSocket {
  on(event: "data", listener: () => void): void;
  on(event: "error" | "end", listener: (error?: unknown) => void): void;
  ref(): void;
  unref(): void;
  destroy(): void;
}
