/** The library as faulty.zig builds it: each of its system calls can be made to fail. */

import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { open } from "../../ffi/open.ts";
import { SONAME } from "../../ffi/symbols.ts";
import { removedAtExit } from "./modules_copy.ts";
import { pathOf, stringAt } from "./testkit.ts";

const symbols = {
  fault: { parameters: ["u32", "u32", "i32"], result: "void" },
  fault_calls: { parameters: ["u32"], result: "u32" },
  in_use: { parameters: ["u32"], result: "u32" },
  fault_name: { parameters: ["u32"], result: "u64" },
  fault_numbers: { parameters: [], result: "u32" },
} as const;

/** The library as one module; scripts/lib/transpile.ts writes it. */
const bundle = "build/node/bundle/mod.mjs";

/** A fresh copy of the modules, with a library and an agent of its own. */
export class Faulty {
  /** The URL of this copy's `mod`. */
  readonly url: string;
  readonly #functions;
  /** By name: which system call has a number differs from one architecture to another. */
  readonly #numbers = new Map<string, number>();

  constructor() {
    const folder = removedAtExit();
    const library = join(folder, "faulty.node");
    copyFileSync(pathOf(`faulty-${process.platform}-${process.arch}.node`), library);
    // It differs from the library in the modules. Let them take it for one that is already loaded,
    // which is not compared.
    const module = join(folder, "mod.mjs");
    writeFileSync(module, readFileSync(bundle, "utf8").replace(SONAME, library));
    this.url = pathToFileURL(module).href;
    this.#functions = open(library, "ai_", symbols).functions;
    for (let number = 0; number < this.#functions.fault_numbers(); number++) {
      const name = this.#functions.fault_name(number);
      if (name !== 0n) this.#numbers.set(stringAt(name), number);
    }
  }

  /** The exports of the modules. */
  async modules(): Promise<typeof import("../../mod.ts")> {
    return await import(this.url);
  }

  /** From now on, lets the nth call of this name fail once. */
  fail(call: string, nth: number, errno: string): void {
    this.#functions.fault(this.#numberOf(call), nth, codeOf(errno));
  }

  /** Lets all calls of this name fail. */
  failAll(call: string, errno: string): void {
    this.#functions.fault(this.#numberOf(call), 1, -codeOf(errno));
  }

  #numberOf(call: string): number {
    const number = this.#numbers.get(call);
    if (number === undefined) throw new Error(`There is no system call ${call}`);
    return number;
  }

  /** Lets no call fail, and starts counting calls. */
  count(): void {
    this.#functions.fault(0, 0, 0);
  }

  /** How often each call was made, by name. */
  calls(): Map<string, number> {
    const times = Array.from(
      this.#numbers,
      ([name, number]) => [name, this.#functions.fault_calls(number)] as const,
    );
    return new Map(times.filter(([, times]) => times > 0));
  }

  /** What the library has handed out and not got back. */
  inUse(): { records: number; pipes: number; agents: number; hooks: number } {
    return {
      records: this.#functions.in_use(0),
      pipes: this.#functions.in_use(1),
      agents: this.#functions.in_use(2),
      hooks: this.#functions.in_use(3),
    };
  }
}

function codeOf(errno: string): number {
  const code = (constants.errno as Record<string, number>)[errno];
  if (code === undefined) throw new Error(`No such errno: ${errno}`);
  return code;
}
