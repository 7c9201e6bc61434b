/**
 * A program for `deno run --watch`, which tells it with SIGTERM when it is about to be restarted. It says its name with all
 * that it says.
 *
 * Argument: `interrupt` or `listener`, who hears.
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
