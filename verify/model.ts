import { type Outcome, run } from "../scripts/run.ts";
import { spin, zig } from "../scripts/toolchain.ts";

const folder = new URL("./", import.meta.url);
const root = new URL("..", folder);

/** What a model is checked with; `true`: in the short form too. */
const scenarios: [file: string, defines: string, short: boolean][] = [
  ["wake", "SIGNALLERS=2 ACTS=2 CAN_BLOCK CAN_THROW", true],
  ["wake", "SIGNALLERS=2 ACTS=2 CAN_SIGNAL CAN_HANDLE CAN_AWAIT", true],
  ["wake", "SIGNALLERS=3 ACTS=2 CAN_BLOCK CAN_THROW", false],
  ["wake", "SIGNALLERS=3 ACTS=2 CAN_SIGNAL CAN_HANDLE CAN_AWAIT", false],
  ...["", "SHARED "].flatMap((shared) =>
    [0, 1].flatMap((autodrain) =>
      [0, 1].flatMap((byHandle): typeof scenarios => {
        const kind = `${shared}AUTODRAIN=${autodrain} BY_HANDLE=${byHandle}`;
        return [
          ["pipe", `${kind} SIGNALLERS=2 ACTS=1 CAN_ENABLE CAN_THROW`, true],
          ["pipe", `${kind} SIGNALLERS=2 ACTS=2 CAN_BLOCK CAN_SIGNAL`, false],
        ];
      })
    )
  ),
  [
    "pipe",
    "AUTODRAIN=1 BY_HANDLE=0 SIGNALLERS=2 ACTS=2 CAN_BLOCK CAN_HANDLE",
    true,
  ],
  ...["BY_HANDLE=0", "BY_HANDLE=1"].flatMap((reacts, i) =>
    // One who shares the pipe writes to it no more, closes, or has another under the same number.
    [
      "SHARED AUTODRAIN=1 CAN_DISABLE CAN_RENEW",
      "SHARED AUTODRAIN=1 CAN_CLOSE CAN_BLOCK",
      "STRANGER AUTODRAIN=1 CAN_CLOSE CAN_RENEW",
      "SHARED AUTODRAIN=0 CAN_DISABLE CAN_CLOSE CAN_RENEW",
    ].map((kind): typeof scenarios[number] => [
      "pipe",
      `${kind} ${reacts} SIGNALLERS=2 ACTS=2`,
      i === 0,
    ])
  ),
  ["close", "ACTS=2", true],
  ["close", "ACTS=4 ONE_AGENT", true],
  ["close", "ACTS=3", false],
  ["signal", "ACTS=1 ARRIVALS=1", true],
  ["signal", "ACTS=0 ARRIVALS=2", true],
  ["signal", "ACTS=1 ARRIVALS=1 FOREIGN", true],
  ["signal", "ACTS=1 ARRIVALS=2", false],
  ["signal", "ACTS=0 ARRIVALS=2 FOREIGN", false],
];

/**
 * Checks the models of the protocol with Spin, each with all interleavings; and, if not `short`, that each mutant, a rule
 * broken on purpose, is caught by one of them.
 */
export async function model(
  short: boolean,
): Promise<Outcome & { note: string }> {
  const sources = Array.from(Deno.readDirSync(folder), ({ name }) => name)
    .filter((name) => name.endsWith(".pml"))
    .map((name) => [name, Deno.readTextFileSync(new URL(name, folder))]);
  const stale = sources.flatMap(([name, text]) => staleReferences(name, text));
  const rules = sources.flatMap(([, text]) => text.match(/\bM_[A-Z_]+/g) ?? []);
  const properties = new Set(
    sources.flatMap(([, text]) => text.match(/(?<=\bPROPERTY\()\w+/g) ?? []),
  );
  const mutants = short ? [] : [...new Set(rules)].sort();
  const checker = await Checker.open();
  const lines = [...stale];
  let states = 0;
  let holding = 0;
  let caught = 0;
  try {
    const chosen = scenarios.filter(([, , isShort]) => isShort || !short);
    await parallel(chosen, async ([file, defines]) => {
      const result = await checker.check(file, defines);
      states += result.states;
      if (result.verdict === "holds") holding++;
      lines.push(`${file} ${defines}: ${describe(result)}`);
    });
    const small = scenarios.filter(([, , isShort]) => isShort);
    await parallel(mutants, async (mutant) => {
      for (const [file, defines] of small) {
        const result = await checker.check(file, defines, mutant);
        if (result.verdict !== "violated") continue;
        caught++;
        lines.push(`${mutant} caught by ${file} ${defines}: ${result.detail}`);
        return;
      }
      lines.push(`${mutant} NOT caught`);
    });
    lines.push(`properties: ${[...properties].sort().join(", ")}`);
    const count = states.toLocaleString("en");
    const killed = short
      ? ""
      : `, ${caught} of ${mutants.length} mutants caught`;
    const note =
      `${count} states, ${properties.size} properties, ${holding} of ${chosen.length} models hold${killed}`;
    const ok = stale.length === 0 && holding === chosen.length &&
      caught === mutants.length;
    return { ok, output: `${lines.join("\n")}\n`, note };
  } finally {
    await checker.close();
  }
}

/** `@file:function` of a model that the source has not (any more). */
function staleReferences(name: string, text: string): string[] {
  const references = text.matchAll(/@([\w/]+\.(?:ts|zig)):(#?\w+)/g);
  return Array.from(references, ([reference, file, symbol]) => {
    const path = file.endsWith(".zig") ? `zig-src/${file}` : file;
    const source = Deno.readTextFileSync(new URL(path, root));
    const defined = file.endsWith(".zig")
      ? new RegExp(`\\b(fn|const) ${symbol}\\b`)
      : new RegExp(`^ *(export |async |function |get )*${symbol}[(<]`, "m");
    return defined.test(source)
      ? ""
      : `${name}: ${reference} is not in ${path}`;
  }).filter(Boolean);
}

interface Result {
  verdict: "holds" | "violated" | "unfinished" | "same";
  states: number;
  detail: string;
}

function describe({ verdict, states, detail }: Result): string {
  return `${verdict}, ${states.toLocaleString("en")} states ${detail}`.trim();
}

/** Runs as many at a time as there are processors. */
async function parallel<T>(items: T[], work: (item: T) => Promise<void>) {
  const left = [...items];
  const workers = Array.from(
    { length: navigator.hardwareConcurrency },
    () =>
      (async () => {
        for (let item = left.shift(); item !== undefined; item = left.shift()) {
          await work(item);
        }
      })(),
  );
  await Promise.all(workers);
}

/** In the models each assertion has the name of the property that it is part of. */
const property = "-DPROPERTY(name, condition)=assert(condition)";

/** Spin writes the search as a C program, which Zig compiles. */
class Checker {
  readonly #spin: string;
  readonly #zig: string;
  readonly #temp: string;
  /** The models without a mutant. */
  readonly #originals = new Map<string, string>();
  #count = 0;

  private constructor(spin: string, zig: string, temp: string) {
    this.#spin = spin;
    this.#zig = zig;
    this.#temp = temp;
  }

  static async open(): Promise<Checker> {
    const temp = await Deno.makeTempDir({ prefix: "async-interrupt-model-" });
    return new Checker(await spin(), await zig(), temp);
  }

  close(): Promise<void> {
    return Deno.remove(this.#temp, { recursive: true });
  }

  /** Where the mutant changes nothing there is nothing to check. */
  async check(file: string, defines: string, mutant = ""): Promise<Result> {
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
    const key = `${file} ${defines}`;
    if (mutant) {
      const text = await preprocess(...names, mutant);
      if (text === this.#originals.get(key)) {
        return { verdict: "same", states: 0, detail: "" };
      }
    } else {
      this.#originals.set(key, await preprocess(...names));
    }
    await step(this.#spin, "-Pcat", "-a", "model.pml");
    // deno-fmt-ignore
    await step(this.#zig, "cc", "-O1", "-w", "-DSAFETY", "-DCOLLAPSE", "-DNOFAIR", "-DMEMLIM=6000", "pan.c", "-o", "pan");
    const { output } = await run(["./pan", "-m1000000"], { cwd });
    const states = Number(output.match(/(\d+) states, stored/)?.[1] ?? 0);
    const errors = Number(output.match(/errors: (\d+)/)?.[1] ?? NaN);
    // What it says when it gives up before the end.
    const limit = output.match(/.*(?:too small|out of memory|hung for).*/);
    const complete = limit === null && errors === 0;
    return {
      verdict: errors > 0 ? "violated" : complete ? "holds" : "unfinished",
      states,
      detail: errors > 0
        ? output.match(/pan:1: (.*) \(at depth/)?.[1] ?? ""
        : limit?.[0] ?? "",
    };
  }
}
