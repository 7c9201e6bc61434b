/**
 * Writes a file unless it already has that text. An unchanged file keeps its time, so caches that
 * compare times stay valid.
 */
export async function write(file: URL, text: string): Promise<void> {
  const old = await Deno.readTextFile(file).catch(() => undefined);
  if (text === old) return;
  await Deno.mkdir(new URL(".", file), { recursive: true });
  await Deno.writeTextFile(file, text);
}
