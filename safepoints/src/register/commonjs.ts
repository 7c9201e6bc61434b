const words = /\b(?:require|module|exports|__filename|__dirname)\b/;

/** Whether a text without any import and export has a word that only modules of CommonJS know. */
export function hasCommonJsWord(source: string): boolean {
  return words.test(source);
}
