/**
 * A program to use in a terminal: an Interrupt or a listener receives SIGINT, SIGWINCH, SIGTSTP and
 * SIGCONT.
 *
 * Arguments: what to do; `interrupt`, `listener` or `none`, which receives the signals.
 */

const process = require("node:process");
const { createInterface } = require("node:readline");
const prompts = require("prompts");
const { Interrupt } = require("async-interrupt");

const [what, who] = process.argv.slice(2);

function on(signal, also = () => {}) {
  const heard = () => {
    console.log(`heard ${signal}`);
    also();
  };
  if (who === "interrupt") new Interrupt({ signal, callback: heard });
  if (who === "listener") process.on(signal, heard);
}

function idle() {
  setTimeout(() => console.log("idle"), 2000);
  setInterval(() => {}, 1e9);
}

({
  readline() {
    on("SIGINT", () => process.exit(0));
    const { stdin: input, stdout: output } = process;
    const lines = createInterface({ input, output });
    lines.on("SIGINT", () => console.log("readline heard"));
    lines.question("name? ", (name) => {
      console.log(`hello ${name}`);
      lines.close();
      idle();
    });
  },
  async prompts() {
    on("SIGINT", () => process.exit(0));
    const answer = { type: "text", name: "name", message: "name?" };
    const { name } = await prompts(answer);
    console.log(`hello ${name}`);
    idle();
  },
  resize() {
    // From the first output to a terminal on, Node listens to SIGWINCH.
    on("SIGWINCH");
    console.log("a line");
    process.stdout.on("resize", () => {
      console.log(`${process.stdout.columns} columns`);
    });
    idle();
  },
  stop() {
    on("SIGTSTP", () => process.kill(process.pid, "SIGSTOP"));
    on("SIGCONT");
    idle();
  },
})[what]();
