import type { Analysis } from "../analyze.ts";

const words = /\b(?:require|module|exports|__filename|__dirname)\b/;

/**
 * Whether a file is a module of CommonJS, as Bun decides it. Without any of the words, a script is
 * of no use to others.
 */
export function isCommonJs(kind: Analysis["kind"], extension: string, source: string): boolean {
  return kind === "commonjs" && (/c/.test(extension) || words.test(source));
}
