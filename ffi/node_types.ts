/**
 * As much of Node's API as is used here. Not from "node:process" and the like: that brings in @types/node, and Deno does
 * not type-check a project with a package.json that does not have it installed.
 */
export interface NodeProcess {
  readonly platform: string;
  readonly arch: string;
  readonly argv: readonly string[];
  dlopen(module: { exports: unknown }, path: string): void;
  getBuiltinModule<K extends keyof NodeModules>(name: K): NodeModules[K];
}

interface NodeModules {
  "bun:ffi": unknown;
  "node:fs": {
    mkdtempSync(prefix: string): string;
    writeFileSync(
      path: string,
      data: Uint8Array,
      options: { mode: number; flag: string },
    ): void;
    unlinkSync(path: string): void;
    rmdirSync(path: string): void;
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
  "node:path": { join(...paths: string[]): string };
  "node:url": { pathToFileURL(path: string): URL };
}

/** A socket of "node:net". */
export interface NodeSocket {
  on(event: "data", listener: () => void): void;
  on(event: "error" | "end", listener: (error?: unknown) => void): void;
  ref(): void;
  unref(): void;
}
