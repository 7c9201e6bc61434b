import type {
  Directive,
  Expression,
  ForStatement,
  Function as FunctionNode,
  ParserOptions,
  Program,
  Statement,
  VisitorObject,
} from "oxc-parser";
import { CALL, type Edit, Form, limitedTest } from "./poll.ts";

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
  const kind = program.sourceType === "module" ? "module" : "commonjs";
  const edits = source.includes(CALL) ? [] : findSafepoints(program, source, functions);
  return { kind, edits, start: startOf(program, source) };
}

function startOf({ body, hashbang }: Program, source: string): number {
  const first = body.findIndex((statement) => !("directive" in statement));
  if (first > 0) return body[first - 1]!.end;
  return hashbang === null ? 0 : source.indexOf("\n", hashbang.end) + 1;
}

function findSafepoints(program: Program, source: string, functions: boolean): Edit[] {
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
  const enter = (node: FunctionNode) => {
    if (isAsm(node)) kept++;
    if (!functions || node.body === null) return;
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
      if (labelled.has(node) || !canBeTiled(node, node.test)) return test(node);
      insert(node.start, Form.tiledWhile);
      insert(node.test.start, Form.tiledTest);
      insertAfter(node, Form.tiledEnd);
    },
    DoWhileStatement: test,
    ForStatement(node) {
      if (node.test === null) return body(node);
      if (labelled.has(node) || !canBeTiled(node, node.test)) return test({ test: node.test });
      if (isLimited(node, source)) {
        insert(node.test.start, Form.limitedTest);
        insert(node.test.end, Form.limitedFor);
        return insertAfter(node, Form.limitedEnd);
      }
      insert(node.test.start, countsUp(node) ? Form.countedFor : Form.tiledFor);
      insertAfter(node, Form.tiledEnd);
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
    StaticBlock({ body }) {
      if (functions) statements(body);
    },
  };
  visit(program, visitor as unknown as Handlers);
  // The test of a `do` is visited before its body, for one.
  // Where several loops end, the innermost one ends first.
  return [...ends.reverse(), ...edits].sort(([a], [b]) => a - b);
}

/** What all nodes have in common. */
interface Node {
  type: string;
  callee?: Expression;
  kind?: string;
  operator?: string;
  [child: string]: unknown;
}
type Handlers = Record<string, ((node: Node) => void) | undefined>;

/**
 * Calls the handlers of nodes, those of outer ones first, and `"Type:exit"` after what is inside.
 * Not by recursion: code that was generated may be nested deeply. The visitor of oxc-parser calls
 * itself, and needs a Node that can require() ES modules.
 */
function visit(program: object, handlers: Handlers): void {
  /** A string: leave the node that comes before it. */
  const left: (Node | string)[] = [program as Node];
  for (let node = left.pop(); node !== undefined; node = left.pop()) {
    if (typeof node === "string") {
      handlers[node]!(left.pop() as Node);
      continue;
    }
    const { type } = node;
    handlers[type]?.(node);
    if (kept.test(type)) left.push(node, `${type}:exit`);
    pushChildren(node, left);
  }
}

/** The nodes that have such a handler. */
const kept = /^(?:With|FunctionD|FunctionE)/;

/** Pushes the children of a node, the first one last. */
function pushChildren(node: Node, list: unknown[]): void {
  const keys = oxc.visitorKeys[node.type] ?? [];
  for (let index = keys.length - 1; index >= 0; index--) {
    const child = node[keys[index]!];
    if (!Array.isArray(child)) {
      if (child) list.push(child);
      continue;
    }
    for (let last = child.length - 1; last >= 0; last--) {
      if (child[last] !== null) list.push(child[last]);
    }
  }
}

/** What `&&` binds less tightly than: see `Form.tiledTest`. */
const operands =
  /^(?:Binary|Unary|Update|Member|Parenthesized|Chain)Expression$|^(?:Identifier|Literal)$/;

/**
 * What must not be in a loop that is cut into tiles: what takes long, since a tile has many turns,
 * and functions, which could see that the turns of a tile share one variable of a `let`. A loop
 * inside of it has its own safepoints.
 */
const heavy =
  /Function|^Class|^(?:New|Await|Yield|Import|TaggedTemplate)|Spread|^(?:ForIn|ForOf|With)S|^JSX|^TS(?:Enum|Module|Import)/;

function canBeTiled(loop: object, test: Expression): boolean {
  if (!operands.test(test.type)) return false;
  const left: Node[] = [];
  pushChildren(loop as Node, left);
  for (let node = left.pop(); node !== undefined; node = left.pop()) {
    if (!isLight(node)) return false;
    pushChildren(node, left);
  }
  return true;
}

function isLight(node: Node): boolean {
  const { type, callee, kind, operator } = node;
  return !heavy.test(type) && operator !== "**" && !kind?.includes("using") &&
    (type !== "CallExpression" || isQuick(callee!));
}

/**
 * Whether the loop counts up from a number, and the test begins with its counter, which nothing
 * else writes.
 */
function countsUp({ init, test, update, body }: ForStatement): boolean {
  if (test?.type !== "BinaryExpression" || test.left.type !== "Identifier") return false;
  const { name, start: at, end } = test.left;
  // Not with escapes: the name is copied from the text.
  if (end - at !== name.length) return false;
  if (init?.type !== "VariableDeclaration" || !/^[\w$]+$/.test(name)) return false;
  const start = init.declarations.find(({ id }) => id.type === "Identifier" && id.name === name);
  if (start?.init?.type !== "Literal" || typeof start.init.value !== "number") return false;
  // Beyond, numbers do not count up by one, or not at all.
  if (start.init.value > 1e9 || !isIncrement(update, name)) return false;
  const left: Node[] = [test, body] as unknown as Node[];
  for (let node = left.pop(); node !== undefined; node = left.pop()) {
    if (writes(node, name)) return false;
    pushChildren(node, left);
  }
  return true;
}

/**
 * Whether the loop counts up to a number, an integer of 32 bits. Not if it may end before: what
 * ends a tile, and not the loop, is that the test holds.
 */
function isLimited(loop: ForStatement, source: string): boolean {
  const { test, body } = loop;
  if (!countsUp(loop) || test?.type !== "BinaryExpression") return false;
  const { left, right, end } = test;
  const [name, limit = NaN] = limitedTest(source, end) ?? [];
  if (left.type !== "Identifier" || left.name !== name) return false;
  // A number that begins with 0 may be octal.
  if (right.type !== "Literal" || right.value !== limit || limit >= 2 ** 31) return false;
  return !contains(body, "BreakStatement");
}

function contains(tree: object, type: string): boolean {
  const left: Node[] = [tree as Node];
  for (let node = left.pop(); node !== undefined; node = left.pop()) {
    if (node.type === type) return true;
    pushChildren(node, left);
  }
  return false;
}

function isIncrement(update: Expression | null, name: string): boolean {
  return update?.type === "UpdateExpression" && update.operator === "++" &&
    update.argument.type === "Identifier" && update.argument.name === name;
}

/** Whether the node may write a variable of that name. */
function writes(node: Node, name: string): boolean {
  const part = {
    AssignmentExpression: "left",
    UpdateExpression: "argument",
    VariableDeclarator: "id",
  }[node.type];
  if (part === undefined) return false;
  const { type: kind, name: written } = node[part] as Node;
  // Others are patterns, or have brackets or types around the name.
  return kind === "Identifier" ? written === name : kind !== "MemberExpression";
}

/** Whether this is a function of Math, as far as one can see, or charCodeAt. */
function isQuick(callee: Expression): boolean {
  if (callee.type !== "MemberExpression" || callee.computed) return false;
  const { object, property } = callee;
  return object.type === "Identifier" && object.name === "Math" ||
    property.type === "Identifier" && property.name === "charCodeAt";
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
