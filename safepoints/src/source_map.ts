import remapping, { type SourceMapInput } from "@jridgewell/remapping";
import MagicString from "magic-string";
import { mapOf } from "./map_comment.ts";
import { type Edit, textOf } from "./poll.ts";

/**
 * The source with these edits. In its map a poll stands where the code after it does. The code
 * before it may be white space, for which a map that is chained has no place.
 *
 * @param first is inserted at `start`, before all else there.
 */
export function edited(
  source: string,
  edits: readonly Edit[],
  texts: readonly string[],
  first = "",
  start = 0,
): MagicString {
  const inserted = new Map([[start, first]]);
  for (const edit of edits) {
    const [at] = edit;
    inserted.set(at, (inserted.get(at) ?? "") + textOf(source, edit, texts));
  }
  const result = new MagicString(source);
  for (const [at, text] of inserted) {
    if (at === source.length) result.append(text);
    else if (text) result.update(at, at + 1, text + source[at]);
  }
  return result;
}

/**
 * The map from the edited text to the sources: to those that the map of `source` names, if it has
 * one that can be read, else to `filename`.
 */
export function chainedMap(text: MagicString, source: string, filename: string): object {
  const map = text.generateMap({ hires: "boundary", source: filename, includeContent: true });
  try {
    const before = mapOf(source, filename);
    if (before === undefined) return map;
    let isFirst = true;
    const load = () => {
      const found = isFirst ? before as SourceMapInput : null;
      isFirst = false;
      return found;
    };
    return { ...remapping(map as SourceMapInput, load) };
  } catch {
    // As engines do: a map that is missing or broken is none.
    return map;
  }
}
