import { Buffer } from "../node.ts";

/** What a load hook of `module.registerHooks()` returns. Node has it from 22.15 and 23.5 on. */
export interface Loaded {
  format?: string | null | undefined;
  source?: string | ArrayBuffer | NodeJS.TypedArray | null | undefined;
}

/** What it is given. */
export interface Context extends Pick<Loaded, "format"> {
  conditions?: readonly string[];
  importAttributes?: { type?: string };
}

/** A load hook. */
export type Load = (
  url: string,
  context: Context,
  next: (url: string, context: Context) => Loaded,
) => Loaded;

const extensions: Record<string, string> = {
  "module": ".mjs",
  "commonjs": ".cjs",
  "module-typescript": ".mts",
  "commonjs-typescript": ".cts",
};

/** The extension that says how the text is to be parsed; undefined if it is no program. */
export function extensionOf(url: string, { format }: Loaded): string | undefined {
  if (/^(node|data:application\/json)/.test(url)) return undefined;
  if (format) return extensions[format];
  // The runtime finds it out later. A program without an extension is CommonJS or a module.
  return /\.[cm]?[jt]sx?(?=[?#]|$)/i.exec(url)?.[0] ?? (/\.\w+$/.test(url) ? undefined : ".js");
}

/** The text of a module; undefined if there is none. */
export function textOf({ source }: Loaded): string | undefined {
  if (typeof source === "string") return source;
  if (!source) return undefined;
  // Four times as quick as a TextDecoder.
  if (ArrayBuffer.isView(source)) {
    return Buffer.from(source.buffer, source.byteOffset, source.byteLength).toString();
  }
  return Buffer.from(source).toString();
}
