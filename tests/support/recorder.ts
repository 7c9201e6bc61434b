import { Interrupt, type InterruptOptions } from "../../mod.ts";

/** An Interrupt, and the values that its callback was called with. */
export function recorder(
  options: InterruptOptions = {},
): { interrupt: Interrupt; values: number[] } {
  const values: number[] = [];
  const interrupt = new Interrupt({ callback: (value) => values.push(value), ...options });
  return { interrupt, values };
}
