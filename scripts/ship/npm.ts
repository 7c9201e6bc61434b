import { removeFolder, run, temporaryFolder } from "../lib/run.ts";
import { sideBySide } from "../lib/side_by_side.ts";
import type { Cell } from "./lib/cell.ts";
import { hears } from "./lib/hears.ts";
import { type NpmRegistry, npmRegistry } from "./lib/npm_registry.ts";
import { packageFolder } from "./lib/package_folder.ts";
import { programs } from "./lib/program.ts";
import { runtimes } from "./lib/runtimes.ts";
import { script } from "./lib/script.ts";
import { tools } from "./lib/tools.ts";

type Command = string[];

/** A way to install the package, and to run what uses it. */
interface Install {
  /** Run one after the other in the folder of the project. */
  commands(registry: NpmRegistry): Command[];
  env?(registry: NpmRegistry): Record<string, string>;
  /** Files of the project, besides package.json. */
  files?: Record<string, string>;
  /** The last part of the project's path. */
  folder?: string;
  /** Why a runtime cannot run it. */
  impossible?(runtime: string): string | undefined;
  /** Put before the command of the runtime. */
  prefix?(folder: string): Command;
  /** Environment of the program. */
  runEnv?: Record<string, string>;
}

const npm = (registry: NpmRegistry, ...args: string[]) => [
  ...[script("npm"), "install", "--no-audit", "--no-fund", `--registry=${registry.url}`],
  ...args,
];
const bin = `${await tools()}/node_modules/.bin`;
const yarn = [script(`${bin}/yarn`), "add", "async-interrupt"];
const yarnEnv = ({ url }: NpmRegistry) => ({
  YARN_NPM_REGISTRY_SERVER: url.slice(0, -1),
  YARN_UNSAFE_HTTP_WHITELIST: "127.0.0.1",
  YARN_ENABLE_TELEMETRY: "0",
});

/** Makes file systems read-only for one command, in a mount namespace of its own. */
const mounted = (commands: string) => ({
  prefix: (folder: string) => ["unshare", "-m", "sh", "-c", `${commands} && exec "$@"`, folder],
  impossible: () => noMounts,
});
const { ok: mounts } = await run(["unshare", "-m", "true"]);
const noMounts = mounts ? undefined : "a process cannot have mounts of its own here";

const installs: Record<string, Install> = {
  "npm install": { commands: (registry) => [npm(registry, "async-interrupt")] },
  "npm install --ignore-scripts": {
    commands: (registry) => [npm(registry, "--ignore-scripts", "async-interrupt")],
  },
  "npm install of the tarball": { commands: (registry) => [npm(registry, registry.tarball)] },
  "npm install --omit=dev --install-strategy=linked": {
    commands: (registry) => [
      npm(registry, "--omit=dev", "--install-strategy=linked", "async-interrupt"),
    ],
  },
  "npm install, path with spaces, #, % and emoji": {
    folder: "a b #1 50%41 ä 😀",
    commands: (registry) => [npm(registry, "async-interrupt")],
  },
  "npm install, then a read-only folder": {
    commands: (registry) => [npm(registry, "async-interrupt")],
    ...mounted(`mount --bind "$0" "$0" && mount -o remount,bind,ro "$0"`),
  },
  "npm install, then nothing writable and executable": {
    commands: (registry) => [npm(registry, "async-interrupt")],
    ...mounted(
      `mount -t tmpfs -o ro,noexec tmpfs /dev/shm && mount -o remount,bind,ro / && ! touch /tmp/x`,
    ),
  },
  "pnpm add": {
    commands: ({ url }) => [
      [script(`${bin}/pnpm`), "add", `--registry=${url}`, "--store-dir=store", "async-interrupt"],
    ],
  },
  "yarn add, Plug'n'Play": {
    commands: () => [yarn],
    env: yarnEnv,
    files: { "yarn.lock": "", ".yarnrc.yml": "nodeLinker: pnp\npnpEnableEsmLoader: true\n" },
    impossible: (runtime) =>
      runtime.startsWith("Node") ? undefined : `${runtime} does not read .pnp.cjs`,
    runEnv: { NODE_OPTIONS: "--require ./.pnp.cjs --experimental-loader ./.pnp.loader.mjs" },
  },
  "yarn add, node_modules": {
    commands: () => [yarn],
    env: yarnEnv,
    files: { "yarn.lock": "", ".yarnrc.yml": "nodeLinker: node-modules\n" },
  },
  "bun add": {
    commands: () => [[...runtimes.Bun!, "add", "async-interrupt"]],
    env: ({ url }) => ({ NPM_CONFIG_REGISTRY: url, BUN_INSTALL_CACHE_DIR: "cache" }),
  },
  "deno add npm:": {
    commands: () => [[Deno.execPath(), "add", "npm:async-interrupt"]],
    env: ({ url }) => ({ NPM_CONFIG_REGISTRY: url }),
    files: { "deno.json": `{ "nodeModulesDir": "auto" }` },
  },
  "deno add npm:, without node_modules": {
    commands: () => [[Deno.execPath(), "add", "npm:async-interrupt"]],
    env: ({ url }) => ({ NPM_CONFIG_REGISTRY: url }),
    files: { "deno.json": `{ "nodeModulesDir": "none" }`, "package.json": "" },
    impossible: (runtime) => runtime === "Deno" ? undefined : "Deno's own cache",
  },
};

/** The npm package, installed from a registry on this machine, imported and required. */
export async function npmCells(): Promise<Cell[]> {
  const root = await temporaryFolder("async-interrupt-ship-npm-");
  try {
    await using registry = await npmRegistry(await packageFolder(), root);
    const cells: Cell[] = [];
    await sideBySide(
      Object.entries(installs).map(([name, install], index) => async () => {
        const folder = `${root}/${index}/${install.folder ?? "project"}`;
        cells.push(...await use(`npm: ${name}`, install, folder, registry));
      }),
    );
    return cells;
  } finally {
    removeFolder(root);
  }
}

async function use(
  way: string,
  install: Install,
  folder: string,
  registry: NpmRegistry,
): Promise<Cell[]> {
  await Deno.mkdir(folder, { recursive: true });
  const files: Record<string, string> = { "package.json": "{}", ...install.files };
  for (const [kind, text] of Object.entries(programs)) files[`main.${kind}`] = text;
  for (const [name, text] of Object.entries(files)) {
    if (text !== "" || name === "yarn.lock") await Deno.writeTextFile(`${folder}/${name}`, text);
  }
  // Caches of their own: a former package of the same version must not be found.
  const env: Record<string, string> = {
    DENO_DIR: `${folder}/deno`,
    YARN_GLOBAL_FOLDER: `${folder}/yarn`,
    npm_config_cache: `${folder}/npm-cache`,
    ...install.env?.(registry),
  };
  let failure = "";
  for (const command of install.commands(registry)) {
    const { ok, output } = await run(command, { cwd: folder, env, timeout: 120 });
    if (!ok) failure ||= `${command.join(" ")}\n${output}`;
  }
  const cells: Cell[] = [];
  for (const [where, command] of Object.entries(runtimes)) {
    const why = install.impossible?.(where);
    if (why !== undefined) {
      cells.push({ way, where, how: "impossible", why });
      continue;
    }
    const failures = failure ? [failure] : [];
    for (const kind of failure ? [] : Object.keys(programs)) {
      const prefix = install.prefix?.(folder) ?? [];
      const options = { cwd: folder, env: { ...env, ...install.runEnv } };
      failures.push(await hears([...prefix, ...command, `main.${kind}`], options) ?? "");
    }
    cells.push({ way, where, how: "run", failure: failures.join("") || undefined });
  }
  return cells;
}
