import { assertEquals } from "@std/assert";
import { constants } from "node:os";
import { Interrupt, sig2name, sig2num } from "../mod.ts";
import { testsOf } from "./support/harness.ts";

const test = testsOf(import.meta.url);

test("`sig2num()` takes names with and without SIG, in any case, and numbers", () => {
  for (const signal of ["INT", "SIGINT", "sigint", "int", "SigInt", 2]) {
    assertEquals(sig2num(signal), 2, String(signal));
  }
});

test("`sig2name()` takes what `sig2num()` takes", () => {
  for (const signal of ["INT", "SIGINT", "sigint", 2]) {
    assertEquals(sig2name(signal), "SIGINT", String(signal));
  }
});

test("`sig2num()` and `sig2name()` return undefined for signals that do not exist", () => {
  const none = [
    "",
    "SIG",
    "NOPE",
    "SIGNOPE",
    "SIGSIGINT",
    "2",
    "__proto__",
    "toString",
    "SIGRTMIN+31",
    "SIGRTMIN-1",
    "SIGRTMAX+1",
    "SIGRTMAX-31",
    0,
    -1,
    65,
    1e9,
    1.5,
    NaN,
    Infinity,
  ];
  for (const signal of none) {
    assertEquals(sig2num(signal), undefined, String(signal));
    assertEquals(sig2name(signal), undefined, String(signal));
  }
});

test("`sig2num()` and `sig2name()` return undefined for values of any other type", () => {
  for (const value of [undefined, null, {}, [], true, 2n, Symbol("INT")]) {
    assertEquals(sig2num(value as never), undefined);
    assertEquals(sig2name(value as never), undefined);
  }
});

test("`sig2num()` and `sig2name()` agree with the runtime's table", () => {
  const aliases = ["SIGIOT", "SIGPOLL", "SIGCLD", "SIGUNUSED"];
  for (const [name, number] of Object.entries(constants.signals)) {
    assertEquals(sig2num(name), number);
    if (!aliases.includes(name)) assertEquals(sig2name(number), name);
  }
});

test("`sig2num()` knows aliases, which `sig2name()` does not return", () => {
  assertEquals(sig2num("SIGIOT"), 6);
  assertEquals(sig2name("SIGIOT"), "SIGABRT");
  assertEquals(sig2name("SIGPOLL"), "SIGIO");
});

test("real-time signals are named from both ends of their range, as kill -l does", () => {
  const names: [number, string][] = [
    [34, "SIGRTMIN"],
    [35, "SIGRTMIN+1"],
    [49, "SIGRTMIN+15"],
    [50, "SIGRTMAX-14"],
    [63, "SIGRTMAX-1"],
    [64, "SIGRTMAX"],
  ];
  for (const [number, name] of names) {
    assertEquals(sig2name(number), name);
    assertEquals(sig2num(name), number);
  }
  for (let number = 35; number < 64; number++) {
    assertEquals(sig2num(`SIGRTMIN+${number - 34}`), number);
    assertEquals(sig2num(`rtmax-${64 - number}`), number);
  }
});

test("`sig2name()` returns every name in `Interrupt.supports.signals`", () => {
  for (const name of Interrupt.supports.signals) {
    assertEquals(sig2name(sig2num(name)!), name);
  }
});
