/**
 * The text of a safepoint. It reads globals that runtime.ts defines, and not an import: it stands
 * in modules, in CommonJS and in scripts, before imports are bound in modules that import one
 * another in a circle, and after a hashbang and directives. The names carry the number of this
 * contract, because code that was built with one version may run with another, and begin like this.
 */
export const NAMES = "$safepoint1";
/** See {@linkcode pollOf}. */
export const MEMORY = `${NAMES}M`;
/** See {@linkcode pollOf}. */
export const STORE = `${NAMES}S`;
/** The function that a due safepoint calls. */
export const CALL = `${NAMES}C`;
/** A variable of the loop: counts the turns of a tile, or is what the loop's counter must reach. */
const COUNT = `${NAMES}N`;
/** Stand for what the test before it has: the counter, its limit, and that less the turns. */
const [BEFORE, LIMIT, LAST] = ["@", "%", "~"];
/** The bits of `MEMORY[0]` that make a safepoint due: `pollWord.mask` of the core. */
export const MASK = 5;

/** The JavaScript engines that need different polls. */
export type Engine = "v8" | "jsc" | "any";

const read = `${MEMORY}[0]`;

/**
 * The poll: an expression that is falsy and needs no brackets before `?`, `,` and `;`. It begins
 * with a number, because a statement without a semicolon may stand in the line above. It is short,
 * because V8 inlines small functions only.
 *
 * JavaScriptCore moves a plain read out of a loop, and would never see the flag change. A store to
 * another array of the same type keeps it in: the engine must assume that both are the same memory.
 */
export function pollOf(engine: Engine): string {
  const word = engine === "v8" ? read : `(${STORE}[0]=0,${read})`;
  return `${MASK}&${word}&&${CALL}()`;
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
  /** The same, if its update can count the turns. */
  steppedFor,
  /** After that update. */
  step,
  /** After the loop. */
  steppedEnd,
  /** Before a `while` that is cut into tiles. */
  tiledWhile,
  /** Before the test of that. */
  tiledTest,
  /** After the test of all of these. */
  testEnd,
  /** Before a `do` that is cut into tiles. */
  tiledDo,
  /** Before the test of that. */
  doTest,
  /** After that test. */
  doTestEnd,
  /** After a loop with a `tiled` form. */
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
const TILE = `let ${COUNT}=${TURNS + 1};`;
/** Without `|0`, V8 would test for an overflow. */
const NEXT = `(${COUNT}=${COUNT}-1|0)`;
/** Marks a bracket that was inserted, so that {@linkcode withoutPolls} knows it. */
const MARK = `/*${COUNT}*/`;
const LIMITED = `let ${COUNT}=${BEFORE}<${LAST}?${BEFORE}+${TURNS}|0:${LIMIT};`;

/**
 * The texts of all forms.
 *
 * V8 optimizes a loop less if it may call something, even if it never does: up to eight times. So a
 * loop without calls gets its poll between tiles: an endless loop around it polls, and the loop
 * itself only counts. It ends with its last tile, or by `break`, before the count is full. Counting
 * costs less in the update than in the test; and nothing with the loop's own counter, if the loop
 * has no other test and V8 knows that the limit is an integer. JavaScriptCore gains nothing by all
 * that.
 */
export function textsOf(engine: Engine): readonly string[] {
  const poll = pollOf(engine);
  const isTiled = engine !== "jsc";
  const texts: Record<Form, string> = {
    [Form.operand]: `${poll},`,
    [Form.statement]: `${poll};`,
    [Form.otherwise]: `if(${poll});else `,
    [Form.choice]: `${poll}?0:`,
    [Form.tiledFor]: isTiled ? `;){${poll};${TILE}for(;${NEXT}&&(` : `${poll},`,
    [Form.steppedFor]: isTiled ? `;){${poll};let ${COUNT}=0;for(;${COUNT}<${TURNS}&&(` : `${poll},`,
    [Form.step]: isTiled ? `,${COUNT}++` : "",
    [Form.steppedEnd]: isTiled ? `;if(${COUNT}<${TURNS})break}` : "",
    [Form.tiledWhile]: isTiled ? `for(;;){${poll};${TILE}` : "",
    [Form.tiledTest]: isTiled ? `${NEXT}&&(` : `${poll},`,
    [Form.testEnd]: isTiled ? `${MARK})` : "",
    [Form.tiledDo]: isTiled ? `for(;;){${poll};let ${COUNT}=${TURNS};` : "",
    [Form.doTest]: isTiled ? `${MARK}(` : `${poll},`,
    // The next tile begins with the body, so the test comes first.
    [Form.doTestEnd]: isTiled ? `)&&${NEXT}` : "",
    [Form.tiledEnd]: isTiled ? `;if(${COUNT})break}` : "",
    [Form.limitedTest]: isTiled ? "" : `${poll},`,
    [Form.limitedFor]: isTiled ? `;){${poll};${LIMITED}for(;${BEFORE}<${COUNT}` : "",
    [Form.limitedEnd]: isTiled ? `${MARK}}` : "",
  };
  return Object.values(texts);
}

/** How many safepoints these edits make: on V8, the text that begins one has its poll. */
export function countOf(edits: readonly Edit[]): number {
  const texts = textsOf("v8");
  return edits.filter(([, form]) => texts[form]!.includes(CALL)).length;
}

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
  if (form !== Form.limitedFor || text === "") return text;
  const [name, limit] = limitedTest(source, at)!;
  return text.replaceAll(BEFORE!, () => name).replace(LIMIT!, `${limit}`)
    .replace(LAST!, `${limit - TURNS}`);
}

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
    // Not in one step: a tree that has one side only is copied a quarter sooner.
    code += source.slice(done, at);
    code += textOf(source, edit, texts);
    done = at;
  }
  return code + source.slice(done);
}

/** Takes the polls out of the text of a function. */
export function withoutPolls(text: string): string {
  if (!text.includes(CALL)) return text;
  const rest = text.replace(
    inserted ??= patternOf((["v8", "any", "jsc"] as const).flatMap(textsOf)),
    "",
  );
  if (!rest.includes(CALL)) return rest;
  // Bun prints the text of a module anew, with other white space, and no `else` before nothing.
  printed ??= patternOf([...textsOf("jsc"), `if(${pollOf("jsc")})`], "\\s*");
  return rest.replace(printed, "");
}

let inserted: RegExp | undefined;
let printed: RegExp | undefined;

/**
 * All texts, the longest first, since a shorter one may be part of it.
 *
 * @param space what may stand between words, and behind the text.
 */
function patternOf(texts: readonly string[], space = ""): RegExp {
  const escape = (word: string) =>
    word.replace(/[$()[\]{}&|?+*]/g, "\\$&").replaceAll("@", "[\\w$]+")
      .replace(/[%~]/g, "-?\\d+");
  const words = (text: string) => space ? text.match(/[\w$]+|[^\w\s]/g)! : [text];
  return new RegExp(
    texts.filter(Boolean).sort((a, b) => b.length - a.length)
      .map((text) => words(text).map((word) => escape(word) + space).join("")).join("|"),
    "g",
  );
}
