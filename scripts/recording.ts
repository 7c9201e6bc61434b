/**
 * `deno run -A scripts/recording.ts`: records a terminal session in which a program that hangs is
 * traced and stopped, and draws it into `docs/pictures/run.svg`.
 *
 * The session is real: bash in a pseudo-terminal, which this script gives keys. Needs `script` of
 * util-linux.
 */

import xterm from "@xterm/headless";
import { type Piece, terminalPicture } from "./lib/terminal_picture.ts";

const size = { cols: 72, rows: 16 };
const prompt = "$ ";

/** What to type, and what to wait for then. */
const keys: [typed: string, shown: string][] = [
  ["deno run -A safepoints/run.ts examples/hangs.ts\r", "Counting"],
  // Ctrl-\ and Ctrl-C.
  ["\x1c", "hangs.ts:25"],
  ["\x03", prompt],
  ["echo $?\r", prompt],
];

const root = new URL("..", import.meta.url);
// sh would replace PS1.
const bash = `exec env PS1='${prompt}' bash --norc --noprofile`;
const shell = `stty cols ${size.cols} rows ${size.rows}; ${bash}`;
const child = new Deno.Command("script", {
  args: ["--quiet", "--return", "--command", shell, "/dev/null"],
  cwd: root,
  env: { TERM: "dumb" },
  stdin: "piped",
  stdout: "piped",
}).spawn();
const input = child.stdin.getWriter();
const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
const terminal = new xterm.Terminal({ ...size, allowProposedApi: true });
const pieces: Piece[] = [];
const start = performance.now();

await waitFor(prompt);
for (const [typed, shown] of keys) {
  await input.write(new TextEncoder().encode(typed));
  await waitFor(shown, typed.trim());
}
await input.close();
await child.status;

const picture = terminalPicture(pieces, size);
await Deno.writeTextFile(new URL("docs/pictures/run.svg", root), picture);

/** Reads the output until it has the text, behind the echo of what was typed. */
async function waitFor(text: string, echo = "") {
  for (let read = ""; !read.slice(read.indexOf(echo) + echo.length).includes(text);) {
    const { value, done } = await output.read();
    if (done) throw new Error(`The session ended before it showed ${JSON.stringify(text)}`);
    read += value;
    const before = screen();
    await new Promise<void>((resolve) => terminal.write(value, resolve));
    pieces.push(...difference(before, screen()));
  }
}

function screen(): string[] {
  const { active } = terminal.buffer;
  return Array.from({ length: size.rows }, (_, y) => {
    return active.getLine(y)!.translateToString(true);
  });
}

/** What is new in each line. Nothing that was shown goes away in this session. */
function difference(before: string[], after: string[]): Piece[] {
  const ms = performance.now() - start;
  return after.flatMap((line, y) => {
    const x = before[y]!.length;
    if (!line.startsWith(before[y]!)) throw new Error(`Line ${y} was rewritten: ${line}`);
    return line.length > x ? [{ ms, x, y, text: line.slice(x) }] : [];
  });
}
