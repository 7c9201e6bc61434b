/**
 * Turns a glob into a pattern that matches the end of a path, beginning with a whole name. What
 * follows a path in an URL may follow.
 */
export function patternOf(glob: string): RegExp {
  const special: Record<string, string> = {
    "**/": "(?:.*/)?",
    "**": ".*",
    "*": "[^/]*",
    "?": "[^/]",
  };
  const text = glob.replace(
    /\*\*\/|\*\*|[*?]|[\\^$.+()[\]{}|]/g,
    (part) => special[part] ?? `\\${part}`,
  );
  return new RegExp(`${glob.startsWith("/") ? "^" : "(?:^|/)"}${text}(?:[?#].*)?$`);
}
