import { assertEquals } from "@std/assert";
import { connect } from "node:net";
import { start, startCommand, testsOf } from "./harness.ts";
import { pathOf } from "./native/testkit.ts";
import { sig2num } from "../mod.ts";

const test = testsOf(import.meta.url);

const program = new URL("./programs/listeners.ts", import.meta.url);

/** Runs the program, and sends it the signal whenever it asks for it. */
async function everybodyHears(
  signal: string,
  args: string[],
  prefix: string[] = [],
) {
  const { line, pid, ended } = start(program, [signal, ...args], {
    prefix,
    timeout: 40,
  });
  const socket = connect(Number((await line()).replace("port ", "")));
  let last = "";
  for (let text = await line(); text !== ""; text = await line()) {
    last = text;
    if (!text.startsWith("signal ")) break;
    const spec = String(sig2num(signal) ?? signal);
    await startCommand([pathOf("sender"), String(pid), spec]).ended;
    socket.write("sent");
  }
  socket.destroy();
  const { code, signal: killer, stderr, hung } = await ended;
  assertEquals(
    { signal, last, code, killer, hung, stderr },
    { signal, last: "done", code: 0, killer: null, hung: false, stderr: "" },
  );
}

const signals = [
  "SIGINT",
  "SIGTERM",
  "SIGHUP",
  "SIGUSR2",
  "SIGQUIT",
  "SIGWINCH",
  "SIGCHLD",
  "SIGPIPE",
  "35",
];

for (const place of ["the main thread", "a Worker"]) {
  const args = place === "a Worker" ? ["worker"] : [];
  test(
    `in a program that idled, Interrupts of ${place} and listeners of the runtime come and go in any order, and all hear`,
    async () => {
      await Promise.all(signals.map((signal) => everybodyHears(signal, args)));
    },
    { timeout: 60 },
  );
}

test(
  "a signal that was ignored when the program started is heard by Interrupts and listeners",
  async () => {
    const shell = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh"];
    await everybodyHears("SIGHUP", [], shell);
  },
  { timeout: 60 },
);

test("a signal that an Interrupt has heard does not kill when the Interrupt is closed at once, and the next one does", async () => {
  const program = new URL("./programs/closed_at_once.ts", import.meta.url);
  const { line, ended } = start(program);
  assertEquals(await line(), "alive");
  const { signal, hung, stderr } = await ended;
  assertEquals(
    { signal, hung, stderr },
    { signal: "SIGUSR2", hung: false, stderr: "" },
  );
});

test("a listener that ends the process does not keep the Interrupt that came before it from hearing", async () => {
  const program = new URL("./programs/exiting_listener.ts", import.meta.url);
  const { code, signal, stdout, stderr } = await start(program).ended;
  assertEquals(
    { code, signal, stdout, stderr },
    { code: 0, signal: null, stdout: "heard\n", stderr: "" },
  );
});
