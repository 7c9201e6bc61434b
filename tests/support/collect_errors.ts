import { Interrupt } from "../../mod.ts";

/** What Interrupt.onError is told from here on. */
export function collectErrors<Told = unknown>(): Told[] {
  const errors: Told[] = [];
  Interrupt.onError = (error) => errors.push(error as Told);
  return errors;
}
