/**
 * `flood.ts <way> blocked|free <signals> <sender...>`: during a flood of signals, counts the
 * callbacks and the signals whose last arrival no callback followed, and measures processor time.
 * floor.c does the same in C.
 */

import { spawn } from "node:child_process";
import { constants } from "node:os";
import process from "node:process";
import { makePipe, testkit } from "../../tests/support/testkit.ts";
import { ways } from "./listen.ts";

const [way, loop, signals, command, ...args] = process.argv.slice(2);
const names = Object.entries(constants.signals) as [NodeJS.Signals, number][];
const handled = new Map<number, number>();
let calls = 0;
for (const number of signals!.split(",").map(Number)) {
  const [name] = names.find(([, value]) => value === number)!;
  await ways[way!]!(name, () => {
    calls++;
    handled.set(number, Number(testkit.now_ns()));
  });
}

// The end of the child shows when its pipe closes, not by its "exit" event: in a flood Node may
// lose SIGCHLD too.
const [readEnd, writeEnd] = makePipe({ nonblocking: false });
const child = spawn(
  command!,
  args.map((arg) => arg === "PID" ? String(process.pid) : arg),
  { stdio: ["ignore", "pipe", "inherit", writeEnd] },
);
testkit.close(writeEnd);
let output = "";
const read = new Promise((resolve) => {
  child.stdout!.on("data", (chunk) => output += chunk).on("end", resolve);
});

await sleep(100);
const before = process.cpuUsage();
// A signal interrupts the system call, and no callback can run.
const EINTR = 4;
while (loop === "blocked" && testkit.readable(readEnd, -1) === -EINTR);
await read;
for (let seen = -1; seen !== calls;) {
  seen = calls;
  await sleep(20);
}
const { user, system } = process.cpuUsage(before);

const lost = output.trimEnd().split("\n").filter((line) => {
  const [number, sent] = line.split(" ").map(Number) as [number, number];
  return !(handled.get(number)! >= sent);
});
console.log(JSON.stringify({
  callbacks: calls,
  lost: lost.length,
  cpu: (user + system) / 1000,
}));
process.exit();

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
