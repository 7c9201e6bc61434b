/**
 * Watches an inherited descriptor, and prints whether it noticed that another process wrote to it.
 *
 * Arguments: the reader, which is a function of the runtime; the descriptor.
 */

const { read } = require("node:fs");
const { Socket } = require("node:net");
const process = require("node:process");

const [reader, descriptor] = process.argv.slice(2);
const fd = Number(descriptor);

function say(saw) {
  console.log(saw ? "yes" : "no");
  process.exit(0);
}
process.on("uncaughtException", () => say(false));
process.on("unhandledRejection", () => say(false));

const watch = {
  "net.Socket": () => new Socket({ fd }).on("data", () => say(true)),
  "fs.read": () => {},
  "Bun.connect": () => Bun.connect({ fd, socket: { data: () => say(true), open: () => {} } }),
  "Bun.file": async () => {
    for await (const _ of Bun.file(fd).stream()) say(true);
  },
}[reader];
watch();

process.stdin.once("data", () => {
  // The other process has written.
  if (reader === "fs.read") {
    read(fd, Buffer.alloc(8), 0, 8, null, (error) => say(!error));
  }
  setTimeout(() => say(false), 2000);
});
console.log("watching");
