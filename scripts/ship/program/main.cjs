// Hooks a signal, gets it in a busy loop, and then ends by itself. It requires no module of Node:
// of CommonJS as ES modules esbuild makes a program that cannot.

const { checkpoint, Interrupt } = require("async-interrupt");

let heard = 0;
const interrupt = new Interrupt({ signal: "SIGINT", callback: (value) => heard = value });
console.log(`ready ${process.pid}`);
// There, no process can send another one a signal.
if (process.platform === "win32") interrupt.signal(2);
while (heard === 0) checkpoint();
interrupt.close();
console.log(heard === 2 ? "ok" : `heard ${heard}`);
