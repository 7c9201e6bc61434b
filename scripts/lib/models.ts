const folder = new URL("../../verify/", import.meta.url);

/** The files of the models. */
export function readModels(): { name: string; text: string }[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => name)
    .filter((name) => name.endsWith(".pml"))
    .map((name) => ({ name, text: Deno.readTextFileSync(new URL(name, folder)) }));
}

/** The mutants that a model has: those that a line such as `#ifdef M_...` asks for. */
export function allMutants(): string[] {
  const names = readModels().flatMap(({ text }) =>
    text.replace(/\/\*[^]*?\*\/|\/\/.*/g, (comment) => comment.replace(/[^\n]/g, ""))
      .match(/^ *# *(if|elif).*/gm)
      ?.flatMap((line) => line.match(/\bM_[A-Z0-9_]+/g) ?? []) ?? []
  );
  return [...new Set(names)].sort();
}
