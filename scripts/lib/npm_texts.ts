/**
 * The repository on its host. Texts in npm packages link to it, since npm has none of the files
 * that they name.
 */
export const repository = "https://github.com/async-interrupt/async-interrupt";

/**
 * npm shows the text without the files around it. SVG pictures become the PNGs beside them, as the
 * URL on the host must serve an image.
 *
 * @param folder of the text, with a slash at the end; "" for the root of the repository.
 */
export function withAbsoluteLinks(markdown: string, folder = ""): string {
  const relative = "(?!https?:|#)";
  const absolute = (kind: string, path: string) =>
    new URL(path, `${repository}/${kind}/HEAD/${folder}`).href;
  return markdown
    .replace(
      new RegExp(`(?<=\\]\\()${relative}[^)]*`, "g"),
      (path) => absolute("blob", path),
    )
    .replace(
      new RegExp(`(?<=(?:src|srcset)=")${relative}([^"]*)\\.svg(?=")`, "g"),
      (_, path) => `${absolute("raw", path)}.png`,
    );
}
