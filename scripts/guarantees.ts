import type { Outcome } from "./run.ts";

/** Whether what SECURITY.md names as proof is there: `file`, or `file` "title of the test". */
export async function guarantees(): Promise<Outcome> {
  const text = await Deno.readTextFile("SECURITY.md");
  const table = text.slice(text.indexOf("<!-- guarantees"));
  const proofs = [
    ...table.matchAll(/`([\w-]+\/[\w.]+)`(?: "(.*?)"(?=[,\s]))?/g),
  ];
  const missing: string[] = [];
  for (const [, file, title = ""] of proofs) {
    const source = await Deno.readTextFile(file).catch(() => undefined);
    if (!source?.includes(title)) missing.push(`${file} "${title}"`);
  }
  return {
    ok: proofs.length > 0 && missing.length === 0,
    output: `SECURITY.md names what is not there: ${missing.join(", ")}`,
  };
}
