/**
 * `start.ts <steps> <module>`: does that many steps towards an Interrupt, and prints the ms that
 * each took. It has no imports, to be comparable with a bare program.
 */

interface Module {
  Interrupt: new (options: { callback(): void }) => { close(): void };
}

const [steps, module] = globalThis.Deno?.args ?? process.argv.slice(2);
const times: Record<string, number> = {};
let last = performance.now();
function lap(step: string) {
  const now = performance.now();
  times[step] = now - last;
  last = now;
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

if (Number(steps) === 0) {
  await turn();
  lap("turn");
} else {
  const { Interrupt }: Module = await import(module!);
  lap("import");
  if (Number(steps) >= 2) {
    const interrupt = new Interrupt({ callback() {} });
    lap("interrupt");
    if (Number(steps) >= 3) {
      await turn();
      lap("turn");
    }
    interrupt.close();
  }
}
console.log(JSON.stringify(times));

export {};
