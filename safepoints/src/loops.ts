import type {
  BinaryExpression,
  Expression,
  ForStatement,
  Program,
  VariableDeclarator,
} from "oxc-parser";
import { Form, limitedTest } from "./poll.ts";
import type { Node, Walker } from "./tree.ts";

/** How many turns a loop without a safepoint has at most, with those of the loops inside of it. */
const SHORT = 100;

/** Finds out what poll a loop needs. */
export class Loops {
  readonly #walker: Walker;
  readonly #program: Program;
  readonly #source: string;

  constructor(walker: Walker, program: Program, source: string) {
    this.#walker = walker;
    this.#program = program;
    this.#source = source;
  }

  /** Whether a loop can be cut into tiles with the poll between them. */
  canBeTiled(loop: object): boolean {
    return !this.#walker.some(loop, (node) => !isLight(node));
  }

  /** How a loop that can be tiled begins each tile. */
  tileOf(loop: ForStatement): Form.limitedFor | Form.steppedFor | Form.tiledFor {
    if (this.#isLimited(loop)) return Form.limitedFor;
    return loop.update === null ? Form.tiledFor : Form.steppedFor;
  }

  /**
   * Whether a loop that can be tiled counts from a number to another and has one small tile: it
   * needs no safepoint, since what is around it has one.
   */
  isShort(loop: ForStatement): boolean {
    let turns = 1;
    return !this.#walker.some(loop, (node) => {
      if (isLoop.test(node.type)) turns *= this.#turnsOf(node);
      return turns > SHORT;
    });
  }

  /** How many turns a loop has at most; Infinity if nothing tells. */
  #turnsOf(loop: Node | ForStatement): number {
    if (loop.type !== "ForStatement") return Infinity;
    const counter = counterOf(loop as ForStatement);
    if (counter === undefined) return Infinity;
    const { name, init, by, test: { operator, right } } = counter;
    const isTowards = by > 0 ? /^<=?$/.test(operator) : /^>=?$/.test(operator);
    if (!isTowards) return Infinity;
    const [from, to] = [this.#numberOf(init), this.#numberOf(right)];
    const distance = (to - from) / by;
    // Not where adding may leave a number as it is. NaN is less than nothing.
    const counts = Number.isInteger(by) && Math.abs(from) < 2 ** 31 && distance <= SHORT;
    if (!counts || this.#writes(loop as ForStatement, name)) return Infinity;
    return Math.max(1, operator.length === 1 ? Math.ceil(distance) : Math.floor(distance) + 1);
  }

  /** The number that an expression is, or NaN: a literal, or a constant of one. */
  #numberOf(expression: Expression): number {
    if (expression.type !== "Identifier") return literalOf(expression);
    const { name, start } = expression;
    for (const scope of this.#walker.around(this.#program, start)) {
      const number = constantIn(scope, name, start);
      if (number !== undefined) return this.#isDeclaredOnce(scope, name) ? number : NaN;
    }
    return NaN;
  }

  /** Whether a name that a scope declares stands for the same in all of it. */
  #isDeclaredOnce(scope: Node, name: string): boolean {
    let count = 0;
    const add = (tree: unknown) => {
      // In a pattern, it may only be read.
      this.#walker.some(tree as object, (node) => node.name === name && ++count > 1);
    };
    const declares = ({ id, params, param, local }: Node) => {
      for (const part of [id, param, local]) if (part) add(part);
      for (const part of (params ?? []) as Node[]) add(part);
    };
    const giveUp = () => void (count = Infinity);
    this.#walker.visit(scope, {
      VariableDeclarator: ({ id }) => add(id),
      FunctionDeclaration: declares,
      FunctionExpression: declares,
      ArrowFunctionExpression: declares,
      ClassDeclaration: declares,
      ClassExpression: declares,
      CatchClause: declares,
      ImportSpecifier: declares,
      ImportDefaultSpecifier: declares,
      ImportNamespaceSpecifier: declares,
      TSImportEqualsDeclaration: declares,
      // In these, names may stand for something that is declared elsewhere.
      TSEnumDeclaration: giveUp,
      TSModuleDeclaration: giveUp,
      WithStatement: giveUp,
      Identifier: (node) => node.name === "eval" && giveUp(),
    });
    return count === 1;
  }

  /**
   * Whether the loop counts up, from a number to an integer of 32 bits. Not if something else
   * writes its counter, or if it may end before: what ends a tile, and not the loop, is that the
   * test holds.
   */
  #isLimited(loop: ForStatement): boolean {
    const counter = counterOf(loop);
    if (counter?.by !== 1) return false;
    const { name, kind, init, test: { left, right, end } } = counter;
    // A getter or valueOf() may write a `var`.
    if (kind !== "let") return false;
    // Not with escapes: the name is copied from the text.
    if (left.end - left.start !== name.length || !/^[\w$]+$/.test(name)) return false;
    // Beyond, numbers do not count up by one, or not at all.
    if (!(literalOf(init) <= 1e9)) return false;
    const [found, limit = NaN] = limitedTest(this.#source, end) ?? [];
    // A number that begins with 0 may be octal.
    if (found !== name || literalOf(right) !== limit) return false;
    return limit < 2 ** 31 && !this.#writes(loop, name) &&
      !this.#walker.some(loop.body, ({ type }) => type === "BreakStatement");
  }

  /** Whether the test or the body of a loop may write a variable of that name. */
  #writes({ test, body }: ForStatement, name: string): boolean {
    return [test!, body].some((part) => this.#walker.some(part, (node) => writes(node, name)));
  }
}

/**
 * The number that a scope declares by `const`; undefined if it does not.
 *
 * @param at a place in it.
 */
function constantIn(scope: Node, name: string, at: number): number | undefined {
  const { type, body, init, left } = scope;
  const cases = (scope.cases ?? []) as { start: number; consequent: Node[] }[];
  const list = type !== "SwitchStatement"
    ? [body, init, left].flat() as (Node | null | undefined)[]
    // Its value is outside.
    : cases[0] && cases[0].start <= at
    ? cases.flatMap(({ consequent }) => consequent)
    : [];
  for (const statement of list) {
    const declaration = (statement?.declaration ?? statement) as Node | null | undefined;
    if (declaration?.type !== "VariableDeclaration" || declaration.declare) continue;
    if (declaration.kind !== "const") continue;
    for (const { id, init } of declaration.declarations as VariableDeclarator[]) {
      if (id.type !== "Identifier" || id.name !== name) continue;
      const number = literalOf(init);
      if (!Number.isNaN(number)) return number;
    }
  }
  return undefined;
}

/**
 * What must not be in a loop that is cut into tiles: what takes long, since a tile has many turns,
 * and functions, which could see that the turns of a tile share one variable of a `let`. A loop
 * inside of it has its own safepoints.
 */
const heavy =
  /Function|^Class|^(?:New|Await|Yield|Import|TaggedTemplate)|Spread|^Rest|^(?:ForIn|ForOf|With)S|^JSX|^TS(?:Enum|Module|Import)/;

const isLoop = /^(?:For|While|DoWhile)/;

function isLight({ type, callee, kind, operator }: Node): boolean {
  return !heavy.test(type) && operator !== "**" && !kind?.includes("using") &&
    (type !== "CallExpression" || isQuick(callee!));
}

/** Whether this is a function of Math or BigInt, as far as one can see, or charCodeAt. */
function isQuick(callee: Expression): boolean {
  if (callee.type !== "MemberExpression" || callee.computed) return false;
  const { object, property } = callee;
  return object.type === "Identifier" && /^(?:Math|BigInt)$/.test(object.name) ||
    property.type === "Identifier" && property.name === "charCodeAt";
}

/** The number that an expression is, or NaN. */
function literalOf(expression: Expression | null): number {
  if (expression?.type !== "Literal") return NaN;
  return typeof expression.value === "number" ? expression.value : NaN;
}

/**
 * The counter of a loop: the only variable that it declares. The test begins with it, and the
 * update adds a number to it.
 */
interface Counter {
  name: string;
  kind: string;
  /** What it begins with. */
  init: Expression;
  /** What the update adds. */
  by: number;
  test: BinaryExpression;
}

function counterOf({ init, test, update }: ForStatement): Counter | undefined {
  if (init?.type !== "VariableDeclaration" || test?.type !== "BinaryExpression") return undefined;
  if (test.left.type !== "Identifier") return undefined;
  const { name } = test.left;
  const [start, more] = init.declarations;
  // What another variable begins with may write it.
  if (
    !start?.init || more !== undefined || start.id.type !== "Identifier" || start.id.name !== name
  ) return undefined;
  const step = stepOf(update);
  if (step?.name !== name) return undefined;
  return { name, kind: init.kind, init: start.init, by: step.by, test: test as BinaryExpression };
}

/** What is added to which variable. */
function stepOf(update: Expression | null): { name: string; by: number } | undefined {
  if (update?.type === "UpdateExpression" && update.argument.type === "Identifier") {
    return { name: update.argument.name, by: update.operator === "++" ? 1 : -1 };
  }
  if (update?.type !== "AssignmentExpression" || update.left.type !== "Identifier") {
    return undefined;
  }
  const sign = { "+=": 1, "-=": -1 }[update.operator as string];
  const { right, left: { name } } = update;
  if (sign === undefined || right.type !== "Literal" || typeof right.value !== "number") {
    return undefined;
  }
  return right.value > 0 ? { name, by: sign * right.value } : undefined;
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
