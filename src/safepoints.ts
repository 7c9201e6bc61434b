/** What a tool needs that puts polls into code. */
export interface PollTarget {
  /** A checkpoint is due when `(memory[index] & mask) !== 0`. Never write to it. */
  readonly memory: Int32Array;
  readonly index: number;
  readonly mask: number;
  readonly checkpoint: () => void;
}

/** Where such a tool and all copies of this module in a realm, of any version, find each other. */
interface Meeting {
  readonly targets: PollTarget[];
  /** The tool has set this. */
  readonly added?: (target: PollTarget) => void;
}

/** `@async/interrupt-safepoints` has it too. The number is that of this contract. */
const key = Symbol.for("async-interrupt.safepoints.1");

/**
 * Shows this copy of the module to a tool. Neither loads the other: what has safepoints may run
 * without this module, and without the permission that it needs. Internal.
 */
export function offerPolls(target: PollTarget): void {
  const realm = globalThis as unknown as { readonly [key]?: Meeting };
  try {
    const value: Meeting = { targets: [] };
    if (realm[key] === undefined) Reflect.defineProperty(globalThis, key, { value });
    realm[key]?.added?.(target);
    realm[key]?.targets.push(target);
  } catch {
    // It is frozen, or foreign code has put something else there.
  }
}
