import type {
  Directive,
  Function as FunctionNode,
  ParserOptions,
  Program,
  Statement,
  VisitorObject,
} from "oxc-parser";
import { parameters } from "./commonjs.ts";
import { Loops } from "./loops.ts";
import { type Edit, Form, NAMES } from "./poll.ts";
import { type Handlers, Walker } from "./tree.ts";

/** The module of the parser. `register` loads it only when it is needed. */
export type Parser = typeof import("oxc-parser");
let oxc: Parser;

/** What {@linkcode analyze} finds. */
export interface Analysis {
  /** A script counts as CommonJS. */
  kind: "module" | "commonjs";
  /** In the order of their places. */
  edits: Edit[];
}

/** What is known of a source; what is not is found out. */
export interface SourceOptions {
  /** The extension of the file, or one that stands for what it is: ".mts" for a module. */
  extension: string;
  functions: boolean;
}

/**
 * Finds where safepoints belong.
 *
 * @returns also where a first statement belongs: after a hashbang and directives.
 * @throws {SyntaxError} if the source cannot be parsed.
 */
export function analyze(
  parser: Parser,
  source: string,
  { extension, functions }: SourceOptions,
): Analysis & { start: number } {
  oxc = parser;
  isRaw ??= oxc.rawTransferSupported();
  const program = parse(source, extension);
  const isModule = program.sourceType === "module" || program.body.some(isNoCommonJs);
  const kind = isModule && !/^\.c/.test(extension) ? "module" : "commonjs";
  const edits = source.includes(NAMES) ? [] : findSafepoints(program, source, functions);
  return { kind, edits, start: startOf(program, source) };
}

/** A module of CommonJS is the body of a function, which cannot declare its parameters anew. */
function isNoCommonJs(statement: Statement | Directive): boolean {
  return statement.type === "VariableDeclaration" && statement.kind !== "var" &&
    statement.declarations.some(({ id }) =>
      id.type === "Identifier" && parameters.includes(id.name)
    );
}

function startOf({ body, hashbang }: Program, source: string): number {
  const first = body.findIndex((statement) => !("directive" in statement));
  if (first > 0) return body[first - 1]!.end;
  return hashbang === null ? 0 : source.indexOf("\n", hashbang.end) + 1;
}

function findSafepoints(program: Program, source: string, functions: boolean): Edit[] {
  const walker = new Walker(oxc.visitorKeys);
  const loops = new Loops(walker, program, source);
  const edits: Edit[] = [];
  /** Those after a loop. */
  const ends: Edit[] = [];
  /** How many of the nodes around this one must stay as they are. */
  let kept = 0;
  const insert = (at: number, form: Form) => {
    if (kept === 0) edits.push([at, form]);
  };
  const insertAfter = ({ end }: { end: number }, form: Form) => {
    if (kept === 0) ends.push([end, form]);
  };
  const test = ({ test }: { test: { start: number } }) => insert(test.start, Form.operand);
  const body = ({ body }: { body: Statement }) => {
    if (body.type === "BlockStatement") insert(body.start + 1, Form.statement);
    // Not a block: that would need the end of the statement. An `else` that follows belongs to an
    // `if` inside of the statement or outside of the loop, as before.
    else insert(body.start, Form.otherwise);
  };
  /** Before the first of these statements that is not a directive. */
  const statements = (list: readonly (Statement | Directive)[], first = 0) => {
    const next = list.slice(first).find((statement) => !("directive" in statement));
    if (next !== undefined) insert(next.start, Form.statement);
  };
  /** Functions that compilers write for exports: see {@linkcode isReturning}. */
  const exporting = new Set<unknown>();
  const enter = (node: FunctionNode) => {
    if (isAsm(node)) kept++;
    if (!functions || node.body === null || exporting.has(node)) return;
    const { body } = node.body;
    if (body.length === 0) insert(node.body.start + 1, Form.statement);
    else statements(body, isSuperCall(body[0]!) ? 1 : 0);
  };
  const leave = (node: FunctionNode) => {
    if (isAsm(node)) kept--;
  };
  const labelled = new Set<unknown>();
  const visitor: VisitorObject = {
    LabeledStatement: ({ body }) => void labelled.add(body),
    WhileStatement(node) {
      if (labelled.has(node) || !loops.canBeTiled(node)) return test(node);
      insert(node.start, Form.tiledWhile);
      insert(node.test.start, Form.tiledTest);
      insert(node.test.end, Form.testEnd);
      insertAfter(node, Form.tiledEnd);
    },
    DoWhileStatement(node) {
      if (labelled.has(node) || !loops.canBeTiled(node)) return test(node);
      insert(node.start, Form.tiledDo);
      insert(node.test.start, Form.doTest);
      insert(node.test.end, Form.doTestEnd);
      insertAfter(node, Form.tiledEnd);
    },
    ForStatement(node) {
      if (node.test === null) return body(node);
      if (labelled.has(node) || !loops.canBeTiled(node)) return test({ test: node.test });
      if (loops.isShort(node)) return;
      const form = loops.tileOf(node);
      if (form === Form.limitedFor) {
        insert(node.test.start, Form.limitedTest);
        insert(node.test.end, form);
        return insertAfter(node, Form.limitedEnd);
      }
      insert(node.test.start, form);
      insert(node.test.end, Form.testEnd);
      if (form === Form.tiledFor) return insertAfter(node, Form.tiledEnd);
      insert(node.update!.end, Form.step);
      insertAfter(node, Form.steppedEnd);
    },
    ForInStatement: body,
    ForOfStatement: body,
    WithStatement: () => void kept++,
    "WithStatement:exit": () => void kept--,
    FunctionDeclaration: enter,
    "FunctionDeclaration:exit": leave,
    FunctionExpression: enter,
    "FunctionExpression:exit": leave,
    ArrowFunctionExpression({ body }) {
      if (!functions) return;
      if (body.type !== "BlockStatement") insert(body.start, Form.choice);
      else if (body.body.length === 0) insert(body.start + 1, Form.statement);
      else statements(body.body);
    },
    CallExpression({ callee, arguments: [first] }) {
      const text = functions ? source.slice(callee.start, callee.end) : "";
      if (/^Object\.keys\([\w$]+\)\.forEach$/.test(text)) exporting.add(first);
    },
    Property({ key, value }) {
      const isGet = value.type === "FunctionExpression" && key.type === "Identifier" &&
        key.name === "get";
      if (isGet && isReturning(value, source)) exporting.add(value);
    },
    StaticBlock({ body }) {
      if (functions) statements(body);
    },
  };
  walker.visit(program, visitor as unknown as Handlers);
  // The test of a `do` is visited before its body, for one.
  // Where several loops end, the innermost one ends first.
  return [...ends.reverse(), ...edits].sort(([a], [b]) => a - b);
}

/**
 * Whether a function does nothing but return a variable or a property. Compilers write one for each
 * export. Node finds the names of exports by that text, so nothing may be inserted into it.
 */
function isReturning({ body }: FunctionNode, source: string): boolean {
  const [statement, more] = body?.body ?? [];
  if (more !== undefined || statement?.type !== "ReturnStatement") return false;
  const { start = 0, end = 0 } = statement.argument ?? {};
  return /^[\w$.]+(?:\[[\w$]+\])?$/.test(source.slice(start, end));
}

function isAsm({ body }: FunctionNode): boolean {
  return body?.body.some((statement) =>
    "directive" in statement && statement.directive === "use asm"
  ) ?? false;
}

/** TypeScript wants it first in some classes. */
function isSuperCall(statement: Statement | Directive): boolean {
  return statement.type === "ExpressionStatement" &&
    statement.expression.type === "CallExpression" && statement.expression.callee.type === "Super";
}

/** Three times as quick as JSON, but an experiment of the parser: see {@linkcode programOf}. */
let isRaw: boolean | undefined;

function parse(source: string, extension: string): Program {
  const [, kind, language = "js"] = /^\.([cm]?)([jt]sx?)$/i.exec(extension) ?? [];
  const lang = language.toLowerCase() as ParserOptions["lang"];
  const known = { c: "commonjs", m: "module" } as const;
  // A module with neither import nor export shows itself only by its `await`.
  const kinds = kind
    ? [known[kind.toLowerCase() as "c" | "m"]]
    : ["unambiguous", "module", "commonjs"] as const;
  let first: string | undefined;
  for (const sourceType of kinds) {
    const result = programOf(source, { lang, sourceType });
    if (typeof result !== "string") return result;
    first ??= result;
  }
  throw new SyntaxError(first);
}

/** The program, or why there is none. */
function programOf(source: string, options: ParserOptions): Program | string {
  try {
    const all = { ...options, experimentalRawTransfer: isRaw } as ParserOptions;
    const result = oxc.parseSync("", source, all);
    const [error] = result.errors;
    return error === undefined ? result.program : error.message;
  } catch (error) {
    // It reserves 4 GiB of addresses, which a limit of the process may forbid.
    if (!isRaw) throw error;
    isRaw = false;
    return programOf(source, options);
  }
}
