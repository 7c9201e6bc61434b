import ts from "typescript";
import type { Outcome } from "./run.ts";
import { tracked } from "./tracked.ts";

/** As in .editorconfig. The formatters do not break comments, and `zig fmt` breaks nothing. */
const columns = 100;

/** Text that cannot be broken, as [start, end]. */
type Ranges = Iterable<readonly [start: number, end: number]>;

const languages: Record<string, (text: string) => Ranges> = {
  ts: literalsOf,
  zig: (text) => matches(text, /^ *\\\\.*|"(?:\\.|[^"\\\n])*"/gm),
};

/** The languages to check. To add one, name it here. */
const checked = ["ts", "zig"];

/** Finds lines that are too long even without their string literals. Skips generated files. */
export async function longLines(): Promise<Outcome> {
  const found: string[] = [];
  const files = await tracked(...checked.map((language) => `*.${language}`));
  for (const file of files) {
    const text = await Deno.readTextFile(file);
    if (/^\/\/ Generated /.test(text)) continue;
    const literals = languages[file.slice(file.lastIndexOf(".") + 1)]!(text);
    for (const [index, line] of withoutRanges(text, literals).split("\n").entries()) {
      // A row of a table cannot be broken.
      if (length(line) > columns && !/^ *(\/\/\/|\*) \|.*\|$/.test(line)) {
        found.push(`${file}:${index + 1}: ${length(line)} columns`);
      }
    }
  }
  return {
    ok: files.length > 0 && found.length === 0,
    output: `More than ${columns} columns, string literals not counted:\n${found.join("\n")}`,
  };
}

/** In characters, not in UTF-16 code units. */
function length(line: string): number {
  return [...line].length;
}

/** Removes the ranges but keeps line breaks, so that line numbers stay the same. */
function withoutRanges(text: string, ranges: Ranges): string {
  let result = "";
  let at = 0;
  for (const [start, end] of ranges) {
    if (end <= at) continue;
    result += text.slice(at, start) + text.slice(start, end).replace(/[^\n]/g, "");
    at = end;
  }
  return result + text.slice(at);
}

function* matches(text: string, pattern: RegExp): Ranges {
  for (const { index, 0: { length } } of text.matchAll(pattern)) yield [index, index + length];
}

/** String, template and regular expression literals. */
function* literalsOf(text: string): Ranges {
  const source = ts.createSourceFile("file.ts", text, ts.ScriptTarget.Latest, true);
  const nodes: ts.Node[] = [source];
  const ranges: [number, number][] = [];
  for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
    if (isLiteral(node)) ranges.push([node.getStart(source), node.end]);
    ts.forEachChild(node, (child) => void nodes.push(child));
  }
  yield* ranges.sort(([a], [b]) => a - b);
}

function isLiteral(node: ts.Node): boolean {
  return ts.isStringLiteralLike(node) || ts.isRegularExpressionLiteral(node) ||
    ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node);
}
