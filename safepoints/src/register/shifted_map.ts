import { mapOf } from "../map_comment.ts";
import { insertionsOf, type Instrumented, lineEnd } from "./columns.ts";

interface SourceMap {
  mappings: string;
}

/**
 * A source map of the text with safepoints: to the sources that the map of `source` names, else to
 * `source`. Not by {@linkcode chainedMap}: that needs packages, which cannot be loaded in a hook.
 *
 * @param filename the path of the file.
 */
export function shiftedMap(source: string, filename: string, file: Instrumented): string {
  // An empty address is that of the file itself.
  const map = mapFrom(source, filename) ??
    { version: 3, sources: [""], names: [], mappings: identity(source) };
  const { byLine } = insertionsOf(file);
  const mappings = map.mappings.split(";").map((line, index) => {
    const insertions = byLine.get(index + 1);
    return line === "" || insertions === undefined ? line : shifted(line, insertions);
  }).join(";");
  return JSON.stringify({ ...map, mappings, sourcesContent: undefined });
}

/** As engines do: a map that is missing or broken, or has no mappings of its own, is none. */
function mapFrom(source: string, filename: string): SourceMap | undefined {
  try {
    const map = mapOf(source, filename) as Partial<SourceMap> | undefined;
    return typeof map?.mappings === "string" ? map as SourceMap : undefined;
  } catch {
    return undefined;
  }
}

/** The mappings of a line, each where it is behind what was inserted before it. */
function shifted(line: string, insertions: [column: number, length: number][]): string {
  let column = 0;
  let inserted = 0;
  let next = 0;
  return line.split(",").map((segment) => {
    const [step, end] = firstNumber(segment);
    column += step;
    let more = 0;
    for (; next < insertions.length; next++) {
      const [start, length] = insertions[next]!;
      // What is at the same place begins with the insertion: a place in that is its place.
      if (start - 1 - inserted >= column) break;
      inserted += length;
      more += length;
    }
    return more === 0 ? segment : vlq(step + more) + segment.slice(end);
  }).join(",");
}

/** Mappings of each word and each other character to itself. */
function identity(source: string): string {
  let column = 0;
  let lines = 0;
  return source.split(lineEnd).map((line, index) => {
    let last = 0;
    const segments: string[] = [];
    for (const { index: at } of line.matchAll(/[\w$]+|\S/g)) {
      segments.push(`${vlq(at - last)}A${vlq(index - lines)}${vlq(at - column)}`);
      last = at;
      column = at;
      lines = index;
    }
    return segments.join();
  }).join(";");
}

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** A number as source maps have it. */
function vlq(number: number): string {
  let rest = number < 0 ? -number * 2 + 1 : number * 2;
  let text = "";
  do {
    text += digits[rest % 32 + (rest > 31 ? 32 : 0)];
    rest = Math.floor(rest / 32);
  } while (rest > 0);
  return text;
}

/** The first number of a segment, and where it ends. */
function firstNumber(segment: string): [number: number, end: number] {
  let number = 0;
  for (let index = 0;; index++) {
    const digit = digits.indexOf(segment[index]!);
    number += digit % 32 * 32 ** index;
    if (digit < 32) return [number % 2 ? -(number - 1) / 2 : number / 2, index + 1];
  }
}
