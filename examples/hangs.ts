/**
 * Never ends: one line is missing. See what `@async/interrupt-safepoints/run` says about it:
 * `deno run -A safepoints/run.ts examples/hangs.ts`, then Ctrl-\ and Ctrl-C.
 */

function skipSpaces(text: string, at: number): number {
  while (text[at] === " ") {
    // The line that is missing: at++;
  }
  return at;
}

function wordsOf(text: string): string[] {
  const words: string[] = [];
  for (let at = 0; at < text.length;) {
    const end = (text + " ").indexOf(" ", at);
    words.push(text.slice(at, end));
    at = skipSpaces(text, end);
  }
  return words;
}

try {
  console.log("Counting words ...");
  console.log(wordsOf("to be or not to be").length);
} finally {
  console.log("Cleaned up.");
}
