import process from "node:process";

/**
 * How many rounds a search at random makes: all of them in `deno task verify --only searches`,
 * which sets this variable, and a sixteenth in the gate, where each runtime makes as many.
 */
export function rounds(all: number): number {
  return process.env.ASYNC_INTERRUPT_ALL_ROUNDS ? all : Math.ceil(all / 16);
}
