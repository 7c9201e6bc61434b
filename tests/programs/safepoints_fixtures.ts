/**
 * Instruments the programs of a parser's test suite, and checks with another parser that no loop or
 * function was missed, and that each program does the same as without. The environment variable
 * FIXTURES names a folder with both in its node_modules: see verify/safepoints.ts.
 */

import { deepStrictEqual } from "node:assert";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";
import { inspect } from "node:util";
import { createContext, runInContext } from "node:vm";
import { instrument } from "../../safepoints/mod.ts";
import { CALL, MEMORY, STORE, withoutPolls } from "../../safepoints/src/poll.ts";

interface Node {
  type: string;
  body?: Node | Node[];
  directive?: string;
  expression?: Node;
  callee?: Node;
  declarations?: Node[];
  init?: Node | null;
  test?: Node | null;
  right?: Node;
  value?: unknown;
}

const folder = process.env.FIXTURES!;
const acorn = createRequire(folder)("acorn");
/** Ends a program that would never end: after so many safepoints. */
const ENOUGH = 2000;
const counts = { programs: 0, safepoints: 0, short: 0, ran: 0, stopped: 0, unknown: 0 };

for (const kind of ["pass", "pass-explicit"]) {
  const files = `${folder}node_modules/test262-parser-tests/${kind}/`;
  for (const name of readdirSync(files)) {
    const source = readFileSync(files + name, "utf8");
    const isModule = name.includes(".module.");
    try {
      check(source, isModule);
    } catch (error) {
      console.error(`${kind}/${name}:\n${source}`);
      throw error;
    }
  }
}
console.log(Object.entries(counts).map((entry) => entry.reverse().join(" ")).join(", "));

function check(source: string, isModule: boolean): void {
  const tree = treeOf(source, isModule);
  const filename = isModule ? "a.mjs" : "a.cjs";
  for (const functions of [false, true]) {
    let result;
    try {
      result = instrument(source, { filename, functions });
    } catch (error) {
      // The suite is from 2017: what has become an error since.
      if (tree !== undefined) throw error;
      counts.unknown++;
      return;
    }
    const { code, safepoints } = result;
    deepStrictEqual(withoutPolls(code), source);
    if (tree !== undefined) {
      const places = placesIn(tree, functions);
      const least = places - countedIn(tree);
      if (safepoints < least) throw new Error(`${safepoints} safepoints, not ${least}:\n${code}`);
      counts.short += places - safepoints;
      if (safepoints > places) throw new Error(`${safepoints} safepoints, not ${places}:\n${code}`);
      if (treeOf(code, isModule) === undefined) throw new Error(`Not valid:\n${code}`);
    }
    counts.safepoints += safepoints;
    if (!isModule && safepoints > 0) compare(source, code);
  }
  counts.programs++;
}

function treeOf(source: string, isModule: boolean): Node | undefined {
  const options = { ecmaVersion: "latest", sourceType: isModule ? "module" : "script" };
  try {
    return acorn.parse(source, options);
  } catch {
    return undefined;
  }
}

/** How many loops count from a number to a number: short ones need no safepoint. */
function countedIn(tree: Node): number {
  return nodesIn(tree).filter(({ type, init, test }) =>
    type === "ForStatement" && init?.declarations?.some(({ init }) => isNumber(init)) &&
    isNumber(test?.right)
  ).length;
}

function isNumber(node: Node | null | undefined): boolean {
  return typeof node?.value === "number";
}

function nodesIn(node: Node): Node[] {
  return [node, ...childrenOf(node).flatMap(nodesIn)];
}

function childrenOf(node: Node): Node[] {
  return Object.values(node).flat().filter((child) => typeof child === "object" && child?.type);
}

/** How many safepoints there may be. */
function placesIn(node: Node, functions: boolean): number {
  const { type, body } = node;
  if (type === "WithStatement") return 0;
  const isFunction = /^(Function|ArrowFunction)/.test(type);
  const statements = isFunction ? (body as Node).body : body;
  let count = /^(For|While|DoWhile)/.test(type) ? 1 : 0;
  if (Array.isArray(statements) && (isFunction || type === "StaticBlock")) {
    if (statements.some(({ directive }) => directive === "use asm")) return 0;
    const rest = statements.filter(({ directive }) => directive === undefined);
    const isEmpty = statements.length === 0 && isFunction;
    const isSuper = type === "FunctionExpression" &&
      statements[0]?.expression?.callee?.type === "Super";
    if (functions && (isEmpty || rest.length > (isSuper ? 1 : 0))) count++;
  } else if (isFunction && functions) {
    count++;
  }
  for (const child of childrenOf(node)) count += placesIn(child, functions);
  return count;
}

function compare(source: string, code: string): void {
  const safe = run(code);
  if (safe.polls >= ENOUGH) {
    counts.stopped++;
    return;
  }
  const plain = run(source);
  deepStrictEqual(safe.outcome, plain.outcome, code);
  counts.ran++;
}

/** What the program leaves, each safepoint being due. */
function run(code: string): { outcome: string; polls: number } {
  let polls = 0;
  const call = () => {
    if (++polls >= ENOUGH) throw new Error("enough");
  };
  const context = createContext({ [MEMORY]: [1], [STORE]: [0], [CALL]: call });
  let outcome: string;
  try {
    runInContext(code, context, { timeout: 300 });
    outcome = "ended";
  } catch (error) {
    outcome = polls >= ENOUGH || `${error}`.includes("timed out")
      ? "stopped"
      // Engines put excerpts of the code into messages.
      : (error as Error).name;
  }
  for (const name of [MEMORY, STORE, CALL]) delete context[name];
  return { outcome: withoutPolls(`${outcome} ${inspect(context)}`), polls };
}
