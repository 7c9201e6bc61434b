/**
 * A program for `deno run --watch`, which sends SIGTERM before it restarts it. Each line starts
 * with the program's name.
 *
 * Argument: `interrupt` or `listener`, which receives the signal.
 */

const process = require("node:process");
const { Interrupt } = require("async-interrupt");

const name = `${Date.now()}`;
for (const signal of ["SIGTERM", "SIGINT"]) {
  const heard = () => {
    console.log(`${name} heard ${signal}`);
    setTimeout(() => console.log(`${name} drained`), 300);
  };
  if (process.argv[2] === "interrupt") {
    new Interrupt({ signal, callback: heard });
  } else {
    process.on(signal, heard);
  }
}
setTimeout(() => console.log(`${name} ready`), 2000);
setInterval(() => {}, 1e9);
