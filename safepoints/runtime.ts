/**
 * Defines what the safepoints of instrumented code read and call, in this realm. Import it before
 * any such code runs, also in every Worker; `register` does. It never throws and prints nothing.
 *
 * @module
 */
import { checkpoint, pollWord } from "@async/interrupt";
import { CALL, MASK, MEMORY, STORE, withoutPolls } from "./src/poll.ts";

const { memory, index, mask } = pollWord;
/** Another version of the core may have other bits: then each safepoint calls it. */
const due = new Int32Array([MASK]);

// Neither writable nor configurable: engines compile a reference to such a global as a constant.
define(MEMORY, mask === MASK ? memory.subarray(index) : due);
define(STORE, new Int32Array(1));
if (define(CALL, safepoint)) hidePolls();

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
    checkpoint();
  } finally {
    depth--;
  }
}

/** Does nothing if another copy of this module was first, or in a frozen realm. */
function define(name: string, value: unknown): boolean {
  return Reflect.defineProperty(globalThis, name, { value });
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
