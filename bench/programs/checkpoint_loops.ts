/** The loops of poll.ts, with our poll as users write it: an imported function costs the emptiest loop 0.3 ns more than a constant. */

import { checkpoint, Interrupt } from "../../mod.ts";

export const interrupt = new Interrupt({ callback: () => {} });

export function lcg(): number {
  let s = 1;
  for (let t = 0; t < 2000; t++) {
    checkpoint();
    s = (Math.imul(s, 1103515245) + t) | 0;
  }
  return s;
}

export function empty(): number {
  let s = 1;
  for (let t = 0; t < 2000; t++) {
    checkpoint();
    s = (s + t) | 0;
  }
  return s;
}
