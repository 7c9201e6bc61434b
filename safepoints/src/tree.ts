import type { Expression } from "oxc-parser";

/** What all nodes of a syntax tree have in common. */
export interface Node {
  type: string;
  start: number;
  end: number;
  callee?: Expression;
  kind?: string;
  operator?: string;
  [child: string]: unknown;
}

/** By the types of nodes; `"Type:exit"` is called after what is inside. */
export type Handlers = Record<string, ((node: Node) => void) | undefined>;

/** Which properties of a node have children, by its type. */
type Keys = Readonly<Record<string, readonly string[]>>;

/** The nodes that have a handler for their end. */
const kept = /^(?:With|FunctionD|FunctionE)/;

/**
 * Walks syntax trees. Not by recursion: code that was generated may be nested deeply. The visitor
 * of oxc-parser calls itself, and needs a Node that can require() ES modules.
 */
export class Walker {
  readonly #keys: Keys;

  constructor(keys: Keys) {
    this.#keys = keys;
  }

  /** Calls the handlers of nodes, those of outer ones first. */
  visit(tree: object, handlers: Handlers): void {
    /** A string: leave the node that comes before it. */
    const left: (Node | string)[] = [tree as Node];
    for (let node = left.pop(); node !== undefined; node = left.pop()) {
      if (typeof node === "string") {
        const inner = left.pop() as Node;
        handlers[node]?.(inner);
        continue;
      }
      const { type } = node;
      handlers[type]?.(node);
      if (kept.test(type)) left.push(node, `${type}:exit`);
      this.#push(node, left);
    }
  }

  /** Whether this holds for a node, or for one inside of it. */
  some(tree: object, holds: (node: Node) => boolean): boolean {
    const left = [tree as Node];
    for (let node = left.pop(); node !== undefined; node = left.pop()) {
      if (holds(node)) return true;
      this.#push(node, left);
    }
    return false;
  }

  /** The nodes around a place, the innermost one first. */
  around(tree: object, at: number): Node[] {
    const found: Node[] = [];
    for (let node: Node | undefined = tree as Node; node !== undefined;) {
      found.push(node);
      const children: Node[] = [];
      this.#push(node, children);
      node = children.find(({ start, end }) => start <= at && at < end);
    }
    return found.reverse();
  }

  /** Pushes the children of a node, the first one last. */
  #push(node: Node, list: unknown[]): void {
    const keys = this.#keys[node.type] ?? [];
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
}
