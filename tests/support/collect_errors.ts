import { Interrupt } from "../../mod.ts";

/** Collects what Interrupt.onError is told from now on. */
export function collectErrors<Told = unknown>(): Told[] {
  const errors: Told[] = [];
  Interrupt.onError = (error) => errors.push(error as Told);
  return errors;
}
