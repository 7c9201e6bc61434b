/**
 * Writes a file unless it has that text already: an unchanged file keeps its time, and the caches
 * that go by it.
 */
export async function write(file: URL, text: string): Promise<void> {
  const old = await Deno.readTextFile(file).catch(() => undefined);
  if (text === old) return;
  await Deno.mkdir(new URL(".", file), { recursive: true });
  await Deno.writeTextFile(file, text);
}
