import { alg, Graph } from "graphlib";
import { type Outcome, run } from "./run.ts";
import { tracked } from "./tracked.ts";
import { write } from "./write.ts";

const root = new URL("../..", import.meta.url);

interface Dependency {
  code?: { specifier?: string };
  type?: { specifier?: string };
}

/**
 * Whether modules, or their folders, import one another in circles. Type imports count. Of Zig the
 * files alone: a folder there has the parts of its subject, and they use what is above it.
 */
export async function circles(flags: string[]): Promise<Outcome> {
  // `deno info` accepts only one module, so import all of them in one.
  const all = new URL("build/all.ts", root);
  const files = await tracked("*.ts");
  const imports = files.map((file) => `import "../${file}";\n`);
  await write(all, imports.join(""));
  const { ok, output } = await run(
    [Deno.execPath(), "info", "--json", ...flags, all.href],
    { cwd: root },
  );
  if (!ok) return { ok, output };

  const modules = new Graph();
  const folders = new Graph();
  for (const module of JSON.parse(output).modules) {
    for (const { code, type } of (module.dependencies ?? []) as Dependency[]) {
      for (const to of [code?.specifier, type?.specifier]) {
        const from = inProject(module.specifier);
        const into = inProject(to ?? "");
        if (from === undefined || into === undefined) continue;
        modules.setEdge(from, into);
        if (folderOf(from) !== folderOf(into)) folders.setEdge(folderOf(from), folderOf(into));
      }
    }
  }
  const sources = new Graph();
  for (const file of await tracked("*.zig")) {
    const text = await Deno.readTextFile(new URL(file, root));
    for (const [, to] of text.matchAll(/@import\("(.*\.zig)"\)/g)) {
      sources.setEdge(file, new URL(to!, new URL(file, root)).href.slice(root.href.length));
    }
  }
  const found = [modules, folders, sources].flatMap(alg.findCycles);
  return {
    ok: modules.edgeCount() > 0 && sources.edgeCount() > 0 && found.length === 0,
    output: found.map((circle) => `In a circle: ${circle.join(", ")}`).join(
      "\n",
    ),
  };
}

/** The path of a module of this project; undefined for other modules. */
function inProject(specifier: string): string | undefined {
  return specifier.startsWith(root.href) ? specifier.slice(root.href.length) : undefined;
}

function folderOf(path: string): string {
  return path.replace(/[^/]*$/, "");
}
