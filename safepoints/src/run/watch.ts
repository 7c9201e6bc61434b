import process from "node:process";
import { setImmediate } from "node:timers";
import { Interrupt } from "@async/interrupt";
import { currentFrames, print } from "./stack.ts";

/** What one place in the code has blocked the event loop for, in milliseconds. */
interface Blocked {
  count: number;
  longest: number;
  total: number;
}

/** How many times the program is looked at in the shortest time that is reported. */
const LOOKS = 10;

const NO_SAFEPOINT = "no safepoint: a long call of a built-in, native code or WebAssembly";

/**
 * Reports code that blocks the event loop for longer than `limit` milliseconds: when it ends, and
 * in a table when the process ends. Times are right to a tenth of the limit.
 *
 * An Interrupt looks at the program at regular times. If the event loop runs its callback, nothing
 * blocks. If a safepoint does, code is executed, and one turn of the event loop later it has ended.
 */
export function watchLoop(limit: number): void {
  const places = new Map<string, Blocked>();
  const every = Math.max(limit / LOOKS, 0.1);
  /** When the event loop was seen to turn. */
  let alive = performance.now();
  /** When the code that is executed began. */
  let begin: number | undefined;
  /** Where it was when it exceeded the limit. */
  let place: string | undefined;

  /** Before that, the runtime loads the program. */
  let hasBegun = false;

  const turned = () => {
    const now = performance.now();
    const duration = now - (begin ?? alive + every);
    if (hasBegun && duration > limit) report(place ?? NO_SAFEPOINT, duration);
    [alive, begin, place] = [now, undefined, undefined];
  };
  const report = (place: string, duration: number) => {
    print(`Blocked the event loop for ${duration.toFixed()} ms: ${place}`);
    const entry = places.get(place) ?? { count: 0, longest: 0, total: 0 };
    entry.count++;
    entry.longest = Math.max(entry.longest, duration);
    entry.total += duration;
    places.set(place, entry);
  };

  new Interrupt({
    every,
    callback() {
      const [frame] = currentFrames();
      if (frame === undefined) {
        // Otherwise the turn comes that was asked for.
        if (begin === undefined) turned();
        hasBegun = true;
        return;
      }
      const now = performance.now();
      if (begin === undefined) {
        begin = Math.max(alive, now - every);
        hasBegun = true;
        setImmediate(turned);
      }
      if (now - begin > limit) place ??= frame.replace(/^at /, "");
    },
  });
  process.on("exit", () => {
    if (begin !== undefined) turned();
    if (places.size > 0) print(table(places));
  });
}

function table(places: ReadonlyMap<string, Blocked>): string {
  const rows = [...places].sort(([, a], [, b]) => b.total - a.total)
    .map(([place, { total, longest, count }]) => [
      `${total.toFixed()} ms`,
      `${longest.toFixed()} ms`,
      `${count}`,
      place,
    ]);
  return [["total", "longest", "times", "where"], ...rows]
    .map(([total, longest, count, place]) => {
      return `${total!.padStart(10)}${longest!.padStart(10)}${count!.padStart(7)}  ${place}`;
    }).join("\n");
}
