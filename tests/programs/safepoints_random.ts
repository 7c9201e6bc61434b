/**
 * Runs random programs with and without safepoints, and expects the same. The environment variable
 * ASYNC_INTERRUPT_STEPS says how many.
 */

import { deepStrictEqual } from "node:assert";
import process from "node:process";
import { instrument } from "../../safepoints/mod.ts";
import { CALL, MEMORY, STORE, withoutPolls } from "../../safepoints/src/poll.ts";
import { randomNumbers } from "../support/random.ts";
import { randomProgram } from "../support/random_program.ts";

const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor;
const random = randomNumbers();
const steps = Number(process.env.ASYNC_INTERRUPT_STEPS ?? 30);

interface Outcome {
  log: unknown[];
  error?: string;
}

/** Every safepoint is due. */
async function run(code: string): Promise<Outcome & { turns: number; polls: number }> {
  const log: unknown[] = [];
  let turns = 0;
  let polls = 0;
  const outcome: Outcome = { log };
  try {
    await new AsyncFunction("log", "turn", MEMORY, STORE, CALL, code)(
      (value: unknown) => {
        if (log.push(value) > 300) throw new Error("enough");
      },
      () => {
        if (++turns > 300) throw new Error("enough turns");
      },
      [1],
      [0],
      () => void polls++,
    );
  } catch (error) {
    outcome.error = `${error}`;
  }
  return { ...outcome, turns, polls };
}

let polls = 0;
let turns = 0;
let valid = 0;
for (let step = 0; step < steps; step++) {
  const source = randomProgram(random);
  const functions = random(2) === 0;
  const engine = (["v8", "any", "jsc"] as const)[random(3)];
  try {
    new AsyncFunction(source);
  } catch {
    // For example `await` in a static block.
    continue;
  }
  let code = "";
  try {
    code = instrument(source, { functions, engine, filename: "a.mjs" }).code;
    deepStrictEqual(withoutPolls(code), source);
    const [plain, safe] = [await run(source), await run(code)];
    polls += safe.polls;
    turns += safe.turns;
    if (plain.error === undefined) valid++;
    deepStrictEqual({ ...safe, polls: 0 }, { ...plain, polls: 0 });
  } catch (error) {
    console.error(`Program ${step}:\n${source}\n\nWith safepoints:\n${code}\n`);
    throw error;
  }
}
if (valid < steps / 4) throw new Error(`Only ${valid} programs ended well`);
// The first turn of a `do` loop, which may be the last one, is none back to its start.
if (polls < turns / 2) throw new Error(`${polls} polls in ${turns} turns`);
console.log(steps);
