/**
 * Uses the module with the permissions that it has, and prints how it polls, or the error. "blind"
 * simulates that native memory cannot be viewed.
 */

const { Deno, process } = globalThis as unknown as {
  Deno: { UnsafePointerView: { getArrayBuffer: unknown } };
  process: { argv: string[]; dlopen: unknown };
};

if (process.argv.includes("blind")) {
  const refuse = () => {
    throw new Error("Requires ffi access");
  };
  Deno.UnsafePointerView.getArrayBuffer = refuse;
  process.dlopen = refuse;
}
const { checkpoint, Interrupt } = await import("../../mod.ts");

try {
  const values: number[] = [];
  const interrupt = new Interrupt({
    signal: "SIGUSR2",
    callback: (value) => values.push(value),
  });
  const send = (value: number) => Interrupt.signal(interrupt.signalFunc(), value);
  send(7);
  if (interrupt.pending !== 7) throw new Error("pending is a read of memory");
  checkpoint();
  interrupt.block();
  send(8);
  interrupt.unblock();
  const next = interrupt.wait();
  send(9);
  values.push(await next);
  interrupt.close();
  if (String(values) !== "7,8,9,9") throw new Error(`callbacks: ${values}`);
  console.log(Interrupt.supports.poll);
} catch (error) {
  console.log((error as { code?: string }).code, (error as Error).message);
}
