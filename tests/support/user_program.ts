import { chmodSync, copyFileSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { runtime } from "./harness.ts";
import { type Ended, plainCommand, startCommand } from "./processes.ts";
import { copyModules } from "./modules_copy.ts";

const target = `${process.platform}-${process.arch}`;
/** The library of this build. */
export const ours = fileURLToPath(
  new URL(`../../lib/${target}.node`, import.meta.url),
);

/** The flags with which the runtime allows everything. */
export const allowAll: string[] = runtime === "deno" ? ["-A"] : [];

/** A program as its author would write it, beside a copy of the modules. */
export class UserProgram {
  readonly module = copyModules();
  readonly folder = dirname(fileURLToPath(this.module));
  readonly file = join(this.folder, `program${this.module.slice(-3)}`);
  /** Where the program looks for the library. */
  readonly library = join(this.folder, "lib", `${target}.node`);

  constructor() {
    mkdirSync(dirname(this.library));
    writeFileSync(
      this.file,
      `import { checkpoint, Interrupt } from "./${basename(this.module)}";
try {
  const interrupt = new Interrupt({ callback: (value) => console.log(value) });
  Interrupt.signal(interrupt.signalFunc(), 7);
  checkpoint();
  interrupt.close();
} catch (error) {
  console.log((error as Error).message);
}
`.replace(runtime === "node" ? " as Error" : "", ""),
    );
  }

  /** Puts our library there. */
  placeOurs(): void {
    copyFileSync(ours, this.library);
    chmodSync(this.library, 0o644);
  }

  /** All files of the modules. */
  modules(): string[] {
    return readdirSync(this.folder, { recursive: true })
      .map((name) => join(this.folder, `${name}`))
      .filter((file) => /\.[jt]s$|\.json$/.test(file));
  }

  /** Runs the program with these flags; `prefix` is put before the command. */
  run(flags: string[] = [], prefix: string[] = []): Promise<Ended> {
    return startCommand([...prefix, ...plainCommand(flags), this.file]).ended;
  }
}
