/** Text that appeared in a terminal. */
export interface Piece {
  /** When, in milliseconds. */
  ms: number;
  x: number;
  y: number;
  text: string;
}

const [width, height, margin] = [8.4, 19, 16];
/** Pauses in a session are not longer than this, nor shorter. */
const [shortest, longest] = [0.6, 1.5];

/**
 * An SVG that shows what a terminal showed, in the order and with the pauses of the session. Where
 * animations are not wanted, it shows the end.
 */
export function terminalPicture(
  pieces: readonly Piece[],
  { cols, rows }: { cols: number; rows: number },
): string {
  let seconds = 0;
  let before = 0;
  const texts = pieces.map(({ ms, x, y, text }) => {
    const pause = (ms - before) / 1000;
    if (ms > before) seconds += Math.min(Math.max(pause, shortest), longest);
    before = ms;
    // Spaces at its start would be lost.
    const indent = text.length - text.trimStart().length;
    const shown = text.trim();
    const left = margin + (x + indent) * width;
    const top = margin + (y + 0.75) * height;
    const place = `x="${left.toFixed(1)}" y="${top.toFixed(1)}"`;
    const length = `textLength="${(shown.length * width).toFixed(1)}"`;
    const style = `style="animation-delay:${seconds.toFixed(1)}s"`;
    return `<text ${place} ${length} ${style}>${escaped(shown)}</text>`;
  });
  const [w, h] = [cols * width + 2 * margin, rows * height + 2 * margin].map(Math.ceil);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" width="${w}" height="${h}">
<style>
text { font: 14px ui-monospace, Menlo, "DejaVu Sans Mono", monospace; fill: #e6edf3 }
@keyframes show { from { opacity: 0 } to { opacity: 1 } }
@media not (prefers-reduced-motion) { text { animation: show 1ms both } }
</style>
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
${texts.join("\n")}
</svg>
`;
}

function escaped(text: string): string {
  return text.replace(/[&<>]/g, (char) => `&#${char.charCodeAt(0)};`);
}
