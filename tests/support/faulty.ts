/** The library as faulty.zig builds it: any one of its system calls can be told to fail. */

import { constants } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { open } from "../../ffi/open.ts";
import { SONAME } from "../../ffi/symbols.ts";
import { copyModules, editModule } from "./modules_copy.ts";
import { pathOf } from "./testkit.ts";

const symbols = {
  fault: { parameters: ["u32", "u32", "i32"], result: "void" },
  fault_calls: { parameters: ["u32"], result: "u32" },
  in_use: { parameters: ["u32"], result: "u32" },
  fault_numbers: { parameters: [], result: "u32" },
} as const;

/** A copy of the modules with a library and an agent of its own, in their first state. */
export class Faulty {
  /** The URL of its `mod`. */
  readonly url = copyModules(
    pathOf(`faulty-${process.platform}-${process.arch}.node`),
  );
  readonly #functions;

  constructor() {
    const library = fileURLToPath(
      new URL(`lib/${process.platform}-${process.arch}.node`, this.url),
    );
    this.#functions = open(library, "ai_", symbols).functions;
    // It is not what the modules carry: they take it for the one that is loaded already, as it is.
    editModule(
      this.url,
      "ffi/symbols",
      (text) => text.replace(SONAME, library),
    );
  }

  /** What the modules export. */
  async modules(): Promise<typeof import("../../mod.ts")> {
    return await import(this.url);
  }

  /** The nth call of this number from here on fails, once. */
  fail(number: number, nth: number, errno: string): void {
    this.#functions.fault(number, nth, codeOf(errno));
  }

  /** All calls of this number fail. */
  failAll(number: number, errno: string): void {
    this.#functions.fault(number, 1, -codeOf(errno));
  }

  /** None fails; they are counted from here on. */
  count(): void {
    this.#functions.fault(0, 0, 0);
  }

  /** How often each call was made: [number, times]. */
  calls(): [number: number, times: number][] {
    const numbers = Array(this.#functions.fault_numbers()).keys();
    return Array.from(
      numbers,
      (number): [number, number] => [
        number,
        this.#functions.fault_calls(number),
      ],
    ).filter(([, times]) => times > 0);
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
