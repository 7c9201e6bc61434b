/** The parameters of the function whose body is a module of CommonJS. */
export const parameters = ["exports", "require", "module", "__filename", "__dirname"];

const words = new RegExp(`\\b(?:${parameters.join("|")})\\b`);

/** Whether a text without any import and export has a word that only modules of CommonJS know. */
export function hasCommonJsWord(source: string): boolean {
  return words.test(source);
}
