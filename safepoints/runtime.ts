/**
 * Defines what the safepoints of instrumented code read and call, in this realm. Import it before
 * any such code runs, also in every Worker; `register` does. It never throws and prints nothing.
 *
 * @module
 */
import { CALL, MASK, MEMORY, STORE, withoutPolls } from "./src/poll.ts";

/** What a copy of the core offers: see its src/safepoints.ts. */
interface PollTarget {
  readonly memory: Int32Array;
  readonly index: number;
  readonly mask: number;
  readonly checkpoint: () => void;
}
interface Meeting {
  readonly targets: readonly PollTarget[];
  added?: (target: PollTarget) => void;
}

/** The core has it too. */
const key = Symbol.for("async-interrupt.safepoints.1");

/** What safepoints read until the program loads the core, which many never do. */
const none = new Int32Array(1);
/** Makes each safepoint due. */
const due = new Int32Array([MASK]);
/** One, or several if the program has several versions of the core. */
const targets: PollTarget[] = [];

const isFirst = !(MEMORY in globalThis);
if (isFirst && define(MEMORY, none, { writable: true, configurable: true })) {
  // Neither writable nor configurable: engines compile a reference to such a global as a constant.
  define(STORE, new Int32Array(1));
  define(CALL, safepoint);
  hidePolls();
  define(key, { targets: [] });
  const meeting = (globalThis as unknown as { [key]: Meeting })[key];
  meeting.added = add;
  meeting.targets.forEach(add);
}

/**
 * Lets safepoints read the memory of this copy of the core, and call it. Those of one version share
 * their memory. If there are several versions, each safepoint calls all of them.
 */
function add(target: PollTarget): void {
  const { memory, index, mask } = target;
  if (targets.some((other) => other.memory === memory)) return;
  const isOnly = targets.push(target) === 1 && mask === MASK;
  // Engines compile it as a constant until its value changes; if its attributes do, V8 takes it for
  // another one, which is a constant again.
  const defined = isOnly
    ? define(MEMORY, memory.subarray(index), { writable: false })
    : define(MEMORY, due, { writable: false, configurable: false });
  // The realm is frozen.
  if (!defined) none[0] = MASK;
}

/** How many of these calls are on the stack. */
let depth = 0;

/**
 * A checkpoint. What it runs may have safepoints itself: the callbacks of Interrupts, which may be
 * interrupted too, and, in a bundle that has a copy of the core, the core. That one would call
 * itself for ever.
 */
function safepoint(): void {
  if (depth > 1) return;
  depth++;
  try {
    for (const { checkpoint } of targets) checkpoint();
  } finally {
    depth--;
  }
}

/** Returns false in a frozen realm. */
function define(name: string | symbol, value: unknown, attributes: PropertyDescriptor = {}) {
  return Reflect.defineProperty(globalThis, name, { value, ...attributes });
}

/**
 * Makes the text of a function what its author wrote. It may be compared, or sent to where these
 * globals do not exist: another realm, a Worker, a browser.
 */
function hidePolls(): void {
  const original = Function.prototype.toString;
  // A proxy of a native function has native text itself.
  const toString: typeof original = new Proxy(original, {
    apply: (target, self, args) =>
      withoutPolls(Reflect.apply(target, self === toString ? target : self, args)),
  });
  Reflect.defineProperty(Function.prototype, "toString", {
    value: toString,
    writable: true,
    configurable: true,
  });
}
