import { Interrupt, type InterruptOptions } from "../../mod.ts";

/** An Interrupt and the values with which its callback was called. */
export function recorder(
  options: InterruptOptions = {},
): { interrupt: Interrupt; values: number[] } {
  const values: number[] = [];
  const interrupt = new Interrupt({ callback: (value) => values.push(value), ...options });
  return { interrupt, values };
}
