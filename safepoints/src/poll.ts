/**
 * The text of a safepoint. It reads globals that runtime.ts defines, and not an import: it stands
 * in modules, in CommonJS and in scripts, before imports are bound in modules that import one
 * another in a circle, and after a hashbang and directives. The names carry the number of this
 * contract, because code that was built with one version may run with another.
 */
export const MEMORY = "$safepoint1M";
/** See {@linkcode pollOf}. */
export const STORE = "$safepoint1S";
/** The function that a due safepoint calls. */
export const CALL = "$safepoint1C";
/**
 * A variable of the loop: counts the turns that are left of a tile, or is what the counter of the
 * loop must reach.
 */
const LEFT = "$safepoint1N";
/** Stands in a text for the counter of the loop, whose name begins the test. */
export const COUNTER = "#";
/** Stand for what the test before it has: the counter, its limit, and that less the turns. */
const [BEFORE, LIMIT, LAST] = ["@", "%", "~"];
/** The bits of `MEMORY[0]` that make a safepoint due: `pollWord.mask` of the core. */
export const MASK = 5;

/** The JavaScript engines that need different polls. */
export type Engine = "v8" | "jsc" | "any";

const read = `${MEMORY}[0]`;

/**
 * The poll: an expression that is falsy and needs no brackets before `?`, `,` and `;`. It begins
 * with a number, because a statement without a semicolon may stand in the line above.
 *
 * JavaScriptCore moves a plain read out of a loop, and would never see the flag change. A store to
 * another array of the same type keeps it in: the engine must assume that both are the same memory.
 */
export function pollOf(engine: Engine): string {
  const word = engine === "v8" ? read : `(${STORE}[0]=0,${read})`;
  return `0!==(${word}&${MASK})&&${CALL}()`;
}

/** What is inserted. The cache keeps these numbers. */
export enum Form {
  /** Before the test of a loop. */
  operand,
  /** As the first statement of a block. */
  statement,
  /** Before the only statement of a loop. */
  otherwise,
  /** Before the expression of an arrow function. */
  choice,
  /** Before the test of a `for` that is cut into tiles. */
  tiledFor,
  /** The same, if its counter counts up and the test begins with it. */
  countedFor,
  /** Before a `while` that is cut into tiles. */
  tiledWhile,
  /** Before the test of that. */
  tiledTest,
  /** After all of these. */
  tiledEnd,
  /** Before the test of such a `for` if the test compares the counter with a number. */
  limitedTest,
  /** After that test. */
  limitedFor,
  /** After the loop. */
  limitedEnd,
}

/** Insert this here. */
export type Edit = [at: number, form: Form];

/** How many turns of a loop without calls there are between two polls. */
const TURNS = 1024;
const TILE = `let ${LEFT}=${TURNS + 1};`;
const COUNTED = `let ${LEFT}=${COUNTER}+${TURNS};`;
const LIMITED = `let ${LEFT}=${BEFORE}<${LAST}?${BEFORE}+${TURNS}|0:${LIMIT};`;

/**
 * The texts of all forms.
 *
 * V8 optimizes a loop less if it may call something, even if it never does: up to eight times. So a
 * loop without calls gets its poll between tiles: an endless loop around it polls, and the loop
 * itself only counts. It ends with its last tile, or by `break`, before the count is down. A loop
 * that counts by itself costs less with that counter: V8 unrolls it, and a turn was twice as long.
 * It costs nothing if the loop has one test, and V8 knows that the limit is an integer.
 * JavaScriptCore gains nothing by all that.
 */
export function textsOf(engine: Engine): readonly string[] {
  const poll = pollOf(engine);
  const isTiled = engine !== "jsc";
  const texts: Record<Form, string> = {
    [Form.operand]: `${poll},`,
    [Form.statement]: `${poll};`,
    [Form.otherwise]: `if(${poll});else `,
    [Form.choice]: `${poll}?0:`,
    [Form.tiledFor]: isTiled ? `;){${poll};${TILE}for(;--${LEFT}&&` : `${poll},`,
    [Form.countedFor]: isTiled
      ? `;){${poll};${COUNTED}for(;(${COUNTER}<${LEFT}||(${LEFT}=0))&&`
      : `${poll},`,
    [Form.tiledWhile]: isTiled ? `for(;;){${poll};${TILE}` : "",
    [Form.tiledTest]: isTiled ? `--${LEFT}&&` : `${poll},`,
    [Form.tiledEnd]: isTiled ? `;if(${LEFT})break}` : "",
    [Form.limitedTest]: isTiled ? "" : `${poll},`,
    [Form.limitedFor]: isTiled ? `;){${poll};${LIMITED}for(;${BEFORE}<${LEFT}` : "",
    // With a comment: without it, nobody could tell it from the program's own.
    [Form.limitedEnd]: isTiled ? `/*${LEFT}*/}` : "",
  };
  return Object.values(texts);
}

/** How many safepoints these edits make. */
export function countOf(edits: readonly Edit[]): number {
  return edits.filter(([, form]) => !further.has(form)).length;
}

/** Where the further parts of a safepoint are. */
const further = new Set([Form.tiledTest, Form.tiledEnd, Form.limitedTest, Form.limitedEnd]);

/** The counter and the limit of a test that ends here, such as `i < 10`. */
export function limitedTest(source: string, end: number): [string, number] | undefined {
  const [, name, limit] =
    /([\w$]+)\s*<\s*(\d[\d_]*)$/.exec(source.slice(Math.max(0, end - 80), end)) ??
      [];
  return name && limit ? [name, Number(limit.replaceAll("_", ""))] : undefined;
}

/** What this edit inserts. */
export function textOf(source: string, [at, form]: Edit, texts: readonly string[]): string {
  const text = texts[form]!;
  if (form === Form.limitedFor && text) {
    const [name, limit] = limitedTest(source, at)!;
    return text.replaceAll(BEFORE!, () => name).replace(LIMIT!, `${limit}`)
      .replace(LAST!, `${limit - TURNS}`);
  }
  if (form !== Form.countedFor) return text;
  identifier.lastIndex = at;
  return text.replaceAll(COUNTER, identifier.exec(source)![0].replaceAll("$", "$$$$"));
}

const identifier = /[\w$]+/y;

/**
 * The source with these edits. By `+=`: the engine copies the text once, when it needs it in one
 * piece.
 */
export function insertPolls(
  source: string,
  edits: readonly Edit[],
  texts: readonly string[],
): string {
  let code = "";
  let done = 0;
  for (const edit of edits) {
    const [at] = edit;
    code += source.slice(done, at) + textOf(source, edit, texts);
    done = at;
  }
  return code + source.slice(done);
}

/** Takes the polls out of the text of a function. */
export function withoutPolls(text: string): string {
  return text.includes(CALL) ? text.replace(inserted ??= patternOfTexts(), "") : text;
}

let inserted: RegExp | undefined;

/** All texts, the longest first, since a shorter one may be part of it. */
function patternOfTexts(): RegExp {
  const escape = (text: string) =>
    text.replace(/[$()[\]{}&|?+*]/g, "\\$&").replace(/[#@]/g, "[\\w$]+")
      .replace(/[%~]/g, "-?\\d+");
  return new RegExp(
    (["v8", "any", "jsc"] as const).flatMap(textsOf).filter(Boolean)
      .sort((a, b) => b.length - a.length).map(escape).join("|"),
    "g",
  );
}
