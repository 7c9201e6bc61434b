import { allMutants, readModels } from "../scripts/lib/models.ts";
import { type Outcome, removeFolder, run, temporaryFolder } from "../scripts/lib/run.ts";
import { sideBySide } from "../scripts/lib/side_by_side.ts";
import { spin, zig } from "../scripts/lib/toolchain.ts";
import { type Scenario, scenarios } from "./scenarios.ts";

const folder = new URL("./", import.meta.url);
const root = new URL("..", folder);

/**
 * Checks the models of the protocol with Spin, each in all interleavings. Unless `short`, also
 * checks that one of them catches each mutant, which breaks one rule on purpose.
 *
 * @param only checks nothing but that these mutants are caught.
 */
export async function model(
  short: boolean,
  only: string[] = [],
): Promise<Outcome & { note: string }> {
  const sources = readModels();
  const all = allMutants();
  const caughtBy = scenarios.flatMap(({ catches }) => catches?.match(/\S+/g) ?? []);
  const stale = [
    ...sources.flatMap(({ name, text }) => staleReferences(name, text)),
    ...caughtBy.filter((mutant) => !all.includes(mutant))
      .map((mutant) => `scenarios.ts names a mutant that no model has: ${mutant}`),
  ];
  const properties = propertiesOf(sources.map(({ text }) => text));
  const mutants = only.length > 0 ? only : short ? [] : all;
  // All rules are to be tried.
  const whole = !short && only.length === 0;
  const checker = await Checker.open(properties);
  const lines = [...stale];
  let states = 0;
  let holding = 0;
  let caught = 0;
  try {
    // Start with the long ones, so that no processor is idle at the end.
    const chosen = scenarios.filter((scenario) => only.length === 0 && (scenario.short || !short))
      .sort((a, b) => Number(a.short) - Number(b.short));
    await sideBySide(chosen.map((scenario) => async () => {
      const result = await checker.check(scenario);
      states += result.states;
      if (result.verdict === "holds") holding++;
      lines.push(`${nameOf(scenario)}: ${describe(result)}`);
    }));
    const broken = new Set<string>();
    await sideBySide(mutants.map((mutant) => async () => {
      for (const scenario of thoseFor(mutant)) {
        const result = await checker.check(scenario, mutant);
        if (result.verdict !== "violated") continue;
        caught++;
        broken.add(result.detail);
        lines.push(`${mutant} caught by ${nameOf(scenario)}: ${result.detail}`);
        return;
      }
      lines.push(`${mutant} NOT caught`);
    }));
    const unbroken = properties.filter((name) => !broken.has(name));
    if (whole) lines.push(`properties that no mutant breaks: ${unbroken}`);
    const count = states.toLocaleString("en");
    const killed = `${caught} of ${mutants.length} mutants caught`;
    const held =
      `${count} states, ${properties.length} properties, ${holding} of ${chosen.length} models hold`;
    const note = only.length > 0 ? killed : short ? held : `${held}, ${killed}`;
    const ok = stale.length === 0 && holding === chosen.length &&
      caught === mutants.length && (!whole || unbroken.length === 0);
    return { ok, output: `${lines.join("\n")}\n`, note };
  } finally {
    checker.close();
  }
}

function nameOf({ model, defines }: Scenario): string {
  return `${model} ${defines}`;
}

function thoseFor(mutant: string): Scenario[] {
  const known = scenarios.filter(({ catches }) => catches?.split(/\s+/).includes(mutant));
  return known.length > 0 ? known : scenarios.filter(({ short }) => short);
}

/** The names of the properties in these models. */
function propertiesOf(models: string[]): string[] {
  const names = models.flatMap((text) => text.match(/(?<=\bPROPERTY\()\w+/g) ?? []);
  return [...new Set(names)].sort();
}

/** References in a model, `@file:function`, that no longer exist in the source. */
export function staleReferences(name: string, text: string): string[] {
  const references = text.matchAll(/@([\w/]+\.(?:ts|zig)):(#?\w+)/g);
  return Array.from(references, ([reference, file, symbol]) => {
    const [path, source] = sourceOf(file!);
    const defined = file!.endsWith(".zig")
      ? new RegExp(`\\b(fn|const) ${symbol}\\b`)
      : new RegExp(`^ *(export |async |function |get )*${symbol}[(<]`, "m");
    return defined.test(source) ? "" : `${name}: ${reference} is not in ${path}`;
  }).filter(Boolean);
}

/** A model names a source file by its path, or by its path within one of these folders. */
function sourceOf(file: string): [path: string, text: string] {
  for (const folder of [".", "zig-src", "src", "src/delivery"]) {
    try {
      const path = `${folder}/${file}`;
      return [path, Deno.readTextFileSync(new URL(path, root))];
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  throw new Error(`a model names ${file}, which does not exist`);
}

interface Result {
  verdict: "holds" | "violated" | "unfinished" | "same";
  states: number;
  detail: string;
}

/** The mutant changes nothing. */
const same: Result = { verdict: "same", states: 0, detail: "" };

/** The text of a model, with its includes. */
function textOf(file: string): string {
  const text = Deno.readTextFileSync(new URL(`${file}.pml`, folder));
  return text.replace(
    /#include "(\w+)\.pml"/g,
    (_, included) => textOf(included),
  );
}

function describe({ verdict, states, detail }: Result): string {
  return `${verdict}, ${states.toLocaleString("en")} states ${detail}`.trim();
}

/**
 * Each assertion in a model is named after its property. The name is a variable that is never true,
 * so that the error message contains it.
 */
const property = "-DPROPERTY(name, condition)=assert(name || (condition))";

/** Spin writes the search as a C program, which Zig compiles. */
class Checker {
  readonly #spin: string;
  readonly #zig: string;
  readonly #temp: string;
  readonly #properties: string[];
  /** The preprocessed models without a mutant. */
  readonly #originals = new Map<string, string>();
  #count = 0;

  private constructor(
    spin: string,
    zig: string,
    temp: string,
    properties: string[],
  ) {
    this.#spin = spin;
    this.#zig = zig;
    this.#temp = temp;
    this.#properties = properties;
  }

  static async open(properties: string[]): Promise<Checker> {
    const temp = await temporaryFolder("async-interrupt-model-");
    return new Checker(await spin(), await zig(), temp, properties);
  }

  close(): void {
    removeFolder(this.#temp);
  }

  /** Skips the search if the mutant does not change the model. */
  async check(scenario: Scenario, mutant = ""): Promise<Result> {
    const { model: file, defines } = scenario;
    if (!textOf(file).includes(mutant)) return same;
    const cwd = `${this.#temp}/${this.#count++}`;
    await Deno.mkdir(cwd);
    const step = async (...command: string[]) => {
      const { ok, output } = await run(command, { cwd });
      if (!ok) throw new Error(`${file}.pml, ${defines} ${mutant}:\n${output}`);
    };
    const preprocess = async (...names: string[]) => {
      const source = new URL(`${file}.pml`, folder).pathname;
      const flags = names.map((name) => `-D${name}`);
      // deno-fmt-ignore
      await step(this.#zig, "cc", "-E", "-P", "-x", "c", property, ...flags, source, "-o", "model.pml");
      return await Deno.readTextFile(`${cwd}/model.pml`);
    };
    const names = defines.split(" ");
    const key = nameOf(scenario);
    if (!mutant || !this.#originals.has(key)) {
      this.#originals.set(key, await preprocess(...names));
    }
    if (mutant && await preprocess(...names, mutant) === this.#originals.get(key)) return same;
    // Hidden variables are not part of the state.
    const variables = `hidden byte ${this.#properties.join(", ")};\n`;
    const model = `${cwd}/model.pml`;
    await Deno.writeTextFile(model, variables + await Deno.readTextFile(model));
    await step(this.#spin, "-Pcat", "-a", "model.pml");
    // For short searches, an optimized compilation would take most of the time.
    const optimize = scenario.short || mutant ? ["-O0", "-fno-sanitize=undefined"] : ["-O1"];
    // The states of a short search fit into the memory as they are. That saves a third of its time.
    const compress = scenario.short ? [] : ["-DCOLLAPSE"];
    // deno-fmt-ignore
    await step(this.#zig, "cc", ...optimize, ...compress, "-w", "-DSAFETY", "-DNOFAIR", "-DMEMLIM=6000", "pan.c", "-o", "pan");
    const { output } = await run(["./pan", "-m1000000"], { cwd });
    const states = Number(output.match(/(\d+) states, stored/)?.[1] ?? 0);
    const errors = Number(output.match(/errors: (\d+)/)?.[1] ?? NaN);
    // Spin reached its limit of depth, memory or time before the end of the search.
    const limit = output.match(/.*(?:too small|not completed|hung for).*/);
    const complete = limit === null && errors === 0;
    const violated = output.match(/assertion violated \W*(\w+)/)?.[1] ?? "";
    if (this.#properties.includes(violated)) {
      return { verdict: "violated", states, detail: violated };
    }
    // Any other error is an error in the model itself, and proves nothing.
    const error = output.match(/^pan:\d+: .*/m);
    return {
      verdict: complete ? "holds" : "unfinished",
      states,
      detail: (error ?? limit)?.[0] ?? "",
    };
  }
}
