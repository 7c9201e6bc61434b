/**
 * Operations that Perl's Async::Interrupt has too (native/seed.pl has the same loops): ns per
 * operation, including the loop on both sides.
 */

import process from "node:process";
import { checkpoint, EventPipe, Interrupt } from "../../mod.ts";

const turns = 20_000;
let loops = 0;
let callbacks = 0;
const callback = () => void callbacks++;
const figures: Record<string, number> = {};

function measure(name: string, loop: () => void) {
  // Compile first: Perl's code is compiled from the start, and JavaScriptCore's last tier takes
  // some time.
  for (const start = performance.now(); performance.now() - start < 300;) {
    loop();
    loops++;
  }
  const times: number[] = [];
  for (let i = 0; i < 9; i++) {
    const start = performance.now();
    loop();
    loops++;
    times.push((performance.now() - start) / turns * 1e6);
  }
  figures[name] = times.sort((a, b) => a - b)[4]!;
}

const plain = new Interrupt({ callback });
measure("signal", () => {
  for (let i = 0; i < turns; i++) plain.signal(1);
});
if (callbacks !== loops * turns) throw new Error(`callbacks: ${callbacks}`);
measure("block", () => {
  for (let i = 0; i < turns; i++) {
    plain.block();
    plain.unblock();
  }
});

const piped = new Interrupt({ callback, pipe: new EventPipe() });
measure("pipe", () => {
  for (let i = 0; i < turns; i++) piped.signal(1);
});

const event = new EventPipe();
measure("eventPipe", () => {
  for (let i = 0; i < turns; i++) {
    event.signal();
    event.drain();
  }
});

const hooked = new Interrupt({ signal: "SIGUSR2", callback });
measure("kill", () => {
  for (let i = 0; i < turns; i++) {
    process.kill(process.pid, "SIGUSR2");
    checkpoint();
  }
});
hooked.close();

console.log(JSON.stringify(figures));
process.exit();
