import { run } from "./run.ts";

/**
 * Installs npm packages into `<folder>/node_modules`. Uses Deno, because npm itself may not be
 * installed.
 */
export async function npmInstall(
  folder: string,
  dependencies: Readonly<Record<string, string>>,
): Promise<void> {
  const packageJson = JSON.stringify({ dependencies });
  await Deno.writeTextFile(`${folder}/package.json`, packageJson);
  await Deno.writeTextFile(`${folder}/deno.json`, "{}");
  const { ok, output } = await run(
    [Deno.execPath(), "install", "--node-modules-dir=auto", "--no-lock"],
    { cwd: folder, timeout: 600 },
  );
  if (!ok) {
    const names = Object.entries(dependencies).map((entry) => entry.join("@"));
    throw new Error(
      `Could not fetch ${names.join(", ")} from npm (is the network there?):\n${output}`,
    );
  }
}
