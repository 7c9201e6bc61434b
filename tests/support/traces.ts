/** What waiting for signals could leave behind. */

import { assertEquals } from "@std/assert";
import process from "node:process";
import { Interrupt, sig2num } from "../../mod.ts";
import { testkit } from "./testkit.ts";

const events = ["newListener", "removeListener"] as const;

/**
 * Remembers what these signals do and who listens to them. The function that it returns checks that
 * all is as it was.
 */
export function traces(...names: string[]): (what?: string) => void {
  const look = () => [...names, ...events].map((event) => process.listenerCount(event));
  // The first Interrupt of a thread opens the library, which stays, and so does Deno's handler.
  for (const signal of [undefined, ...names]) new Interrupt({ signal }).close();
  const listeners = look();
  for (const name of names) testkit.disposition_save(sig2num(name)!, sig2num(name)!);
  return (what = "") => {
    for (const name of names) {
      const number = sig2num(name)!;
      assertEquals(testkit.disposition_same(number, number), 1, `${what}: what ${name} does`);
    }
    assertEquals(look(), listeners, `${what}: listeners of the runtime`);
  };
}

/** An AbortController that counts the listeners of its signal. */
export class CountingController extends AbortController {
  readonly #listeners = new Set<unknown>();

  constructor() {
    super();
    const { signal } = this;
    const [add, remove] = [signal.addEventListener, signal.removeEventListener];
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      this.#listeners.add(args[1]);
      add.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      this.#listeners.delete(args[1]);
      remove.apply(signal, args);
    };
  }

  get listeners(): number {
    return this.#listeners.size;
  }
}
