/**
 * The npm package together with the packages, commands and terminals that people use it with. Part
 * of `deno task ok`.
 */

import { assert, assertEquals } from "@std/assert";
import { removeFolder, run, temporaryFolder } from "./lib/run.ts";
import { bun, node, nodeVersions } from "./lib/toolchain.ts";
import versions from "./lib/versions.json" with { type: "json" };
import { startCommand } from "../tests/support/processes.ts";

// Builds npm/, with or without JSR, depending on the import map.
await import("./build_npm.ts");

const npm = new URL("../npm/", import.meta.url);
const programs = new URL("field/", import.meta.url);
const folder = await temporaryFolder("async-interrupt-field-");
const newest = nodeVersions.at(-1)!;

/** The runtimes, each with the command that runs a program. */
const runtimes: Record<string, string[]> = {
  Deno: [Deno.execPath(), "run", "-A"],
  Bun: [await bun()],
  "Node 22": [await node("22")],
  [`Node ${newest}`]: [await node(newest)],
};

async function command(...command: string[]) {
  const { ok, output } = await run(command, { cwd: folder });
  assert(ok, `${command.join(" ")}\n${output}`);
}

Deno.test("the package installs beside others", async () => {
  const json = JSON.stringify({ dependencies: versions.packages });
  await Deno.writeTextFile(`${folder}/package.json`, json);
  for (const { name } of Deno.readDirSync(programs)) {
    await Deno.copyFile(new URL(name, programs), `${folder}/${name}`);
  }
  await command("npm", "pack", decodeURIComponent(npm.pathname));
  const tarball = Array.from(Deno.readDirSync(folder), ({ name }) => name)
    .find((name) => name.endsWith(".tgz"));
  await command("npm", "install", `./${tarball}`);
});

/** Runs a program that idles, prints "ready" and then gets SIGTERM. Returns how it ended. */
async function terminated(command: string[], pidOf = (pid: number) => pid) {
  const { pid, line, ended } = startCommand(command, 60);
  for (let text = await line(); text !== ""; text = await line()) {
    if (text === "ready") Deno.kill(pidOf(pid), "SIGTERM");
  }
  const { code, signal, stdout, stderr, hung } = await ended;
  return { code, signal, hung, stdout, stderr };
}

/**
 * The part of the outcome that must be equal for listeners and Interrupts: neither the order in
 * which they hear nor how often.
 */
function outcome(
  { code, signal, hung, stdout }: Awaited<ReturnType<typeof terminated>>,
) {
  return { code, signal, hung, said: new Set(stdout.trim().split("\n")) };
}

const drained = { code: 0, signal: null, hung: false };
const packages = [
  "none",
  ...Object.keys(versions.packages).filter((name) => name !== "prompts"),
];
/**
 * With these packages a listener drains the server on every runtime. The others end the process by
 * themselves, or drain only on some runtimes.
 */
const drains = [
  "none",
  "signal-exit",
  "signal-exit-3",
  "death",
  "node-cleanup",
];

for (const [runtime, command] of Object.entries(runtimes)) {
  Deno.test(`${runtime}: with packages that act at exit, an Interrupt drains a server and ends the process wherever a listener does`, async () => {
    await Promise.all(packages.map(async (name) => {
      const ends = (who: string, when: string) =>
        terminated([...command, `${folder}/drain.cjs`, name, who, when]);
      const pairs = await Promise.all(
        ["before", "after"].map((when) =>
          Promise.all([ends("listener", when), ends("interrupt", when)])
        ),
      );
      for (const [listener, interrupt] of pairs) {
        const { said, ...end } = outcome(listener);
        if (drains.includes(name)) {
          assertEquals({ name, end }, { name, end: drained });
          assert(said.has("drained"), `${name}\n${listener.stderr}`);
        }
        assertEquals(
          { name, ...outcome(interrupt) },
          { name, said, ...end },
          `${interrupt.stdout}${interrupt.stderr}`,
        );
      }
    }));
  });
}

const served = { ...drained, stdout: "ready\nheard\ndrained\n" };

Deno.test("`deno serve` ends after an Interrupt has drained it", async () => {
  const args = ["serve", "-A", "--port=0", `${folder}/serve.cjs`];
  const { stderr: _, ...end } = await terminated([Deno.execPath(), ...args]);
  assertEquals(end, served);
});

for (const [runtime, command] of Object.entries(runtimes)) {
  Deno.test(`${runtime}: as PID 1, a program ends after an Interrupt has drained it`, async () => {
    const namespace = ["unshare", "--pid", "--fork", "--mount-proc"];
    // Without root, a user namespace is needed too.
    if (Deno.uid() !== 0) namespace.push("--map-root-user");
    const { stderr, ...end } = await terminated(
      [
        ...namespace,
        ...command,
        `${folder}/drain.cjs`,
        "none",
        "interrupt",
        "before",
      ],
      (pid) => Number(Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`)),
    );
    assertEquals(end, served, stderr);
  });
}

/**
 * Lets `deno run --watch` restart a program twice, and then sends SIGTERM. Returns what each of the
 * three programs printed.
 */
async function watched(who: string) {
  const file = `${folder}/watched_${who}.cjs`;
  await Deno.copyFile(`${folder}/watched.cjs`, file);
  const command = [Deno.execPath(), "run", "-A", "--watch", file, who];
  const { child, pid, line, ended } = startCommand(command, 60);
  const said = new Map<string, string[]>();
  for (let text = await line(); text !== ""; text = await line()) {
    const [name, what] = text.split(/ (.*)/) as [string, string];
    if (!said.has(name)) said.set(name, []);
    said.get(name)!.push(what);
    if (what === "ready") {
      if (said.size === 3) Deno.kill(pid, "SIGTERM");
      else await Deno.writeTextFile(file, "\n", { append: true });
    }
    // The watcher itself would wait for the next change.
    if (said.size === 3 && what === "drained") child.kill("SIGKILL");
  }
  await ended;
  return [...said.values()];
}

Deno.test("`deno run --watch`: each program hears its own signals once", async () => {
  const program = ["ready", "heard SIGTERM", "drained"];
  const programs = [program, program, program];
  assertEquals(
    await Promise.all([watched("listener"), watched("interrupt")]),
    [programs, programs],
  );
});

Deno.test("`bun --watch`: a signal that `signalHysteresis` ignores is not ignored after a restart", async () => {
  const file = `${folder}/ignored.cjs`;
  const { child, line, ended } = startCommand(
    [...runtimes.Bun!, "--watch", file],
    60,
  );
  const said = [await line()];
  await Deno.writeTextFile(file, "\n", { append: true });
  said.push(await line());
  child.kill("SIGKILL");
  await ended;
  assertEquals(said, ["not ignored", "not ignored"]);
});

Deno.test("docs/limits.md is right about which readers can watch which event pipes", async () => {
  const text = await Deno.readTextFile("docs/limits.md");
  const rows = text.matchAll(
    /^\| (\w+): `([\w.]+)\(.*$|^\| (\w+): `([\w.]+)`.*$/gm,
  );
  const documented = Array.from(rows, ([row, ...found]) => {
    const [runtime = "", reader = ""] = found.filter(Boolean);
    return { runtime, reader, answers: row.match(/\b(yes|no)\b/g)!.join(" ") };
  });
  assertEquals(documented.length, 8);
  const seen = await Promise.all(documented.map(async ({ runtime, reader }) => {
    const command = (runtimes[runtime] ?? runtimes[`${runtime} 22`])!;
    const answers = await Promise.all(
      ["eventfd", "pipe", "socketpair"].map(async (kind) => {
        const script = ["python3", `${folder}/reader.py`, kind];
        const program = [...command, `${folder}/reader.cjs`, reader];
        const { ok, output } = await run([...script, ...program]);
        return ok ? output.trim() : output;
      }),
    );
    return { runtime, reader, answers: answers.join(" ") };
  }));
  assertEquals(seen, documented);
});

/** What to wait for on the screen, and then the keys to press or the new width of the window. */
type Dialogue = readonly (readonly [seen: string, then?: string | number])[];

/**
 * Runs a command in a shell in a terminal, plays the dialogue, and returns what the screen shows.
 */
async function screen(
  session: string,
  command: string[],
  dialogue: Dialogue,
): Promise<string> {
  const tmux = async (...args: string[]) => {
    const socket = `-S${folder}/tmux`;
    const { ok, output } = await run(["tmux", socket, "-f/dev/null", ...args]);
    assert(ok, output);
    return output;
  };
  const capture = () => tmux("capture-pane", "-p", "-t", session);
  const shell = "env PS1='shell> ' bash --norc --noprofile";
  await tmux("new-session", "-d", "-x100", "-y30", "-s", session, shell);
  const steps: Dialogue = [
    ["shell>"],
    ...dialogue,
  ];
  await tmux("send-keys", "-t", session, command.join(" "), "Enter");
  const end = Date.now() + 60_000;
  for (const [seen, then] of steps) {
    let text = await capture();
    while (!text.includes(seen)) {
      assert(Date.now() < end, `${session}: no "${seen}" in\n${text}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
      text = await capture();
    }
    if (typeof then === "number") {
      await tmux("resize-window", "-t", session, "-x", `${then}`, "-y", "30");
    } else if (then !== undefined) {
      await tmux("send-keys", "-t", session, ...then.split(" "));
    }
  }
  const text = await capture();
  await tmux("kill-session", "-t", session);
  return text;
}

const stopped: Dialogue = [["Stopped", "fg Enter"]];
const dialogues: Record<string, Dialogue> = {
  readline: [
    ["name?", "C-c"],
    ["readline heard", "you Enter"],
    ["hello you"],
    ["idle", "C-c"],
    ["heard SIGINT"],
  ],
  prompts: [
    ["name? ›", "you Enter"],
    ["hello you"],
    ["idle", "C-c"],
    ["heard SIGINT"],
  ],
  resize: [["a line"], ["idle", 90], ["heard SIGWINCH"], ["90 columns"]],
  stop: [
    ["idle", "C-z"],
    ["heard SIGTSTP"],
    ...stopped,
    ["heard SIGCONT", "C-c"],
  ],
};

Deno.test("tmux is installed", async () => {
  if ((await run(["tmux", "-V"])).ok) return;
  const { output } = await run(
    ["sh", "-c", "apt-get update -q && apt-get install -qy tmux"],
  );
  const { ok } = await run(["tmux", "-V"]);
  assert(ok, `Install tmux (Debian: apt install tmux)\n${output}`);
});

for (const [runtime, command] of Object.entries(runtimes)) {
  Deno.test(`${runtime}: in a terminal an Interrupt hears Ctrl-C, Ctrl-Z, fg and a new window size, also with readline, prompts and "resize"`, async () => {
    const play = (what: string, who: string, dialogue: Dialogue) =>
      screen(
        `${runtime} ${what} ${who}`,
        [...command, `${folder}/terminal.cjs`, what, who],
        dialogue,
      );
    await Promise.all([
      ...Object.entries(dialogues).flatMap(([what, dialogue]) =>
        ["listener", "interrupt"].map((who) => play(what, who, dialogue))
      ),
      play("stop", "none", [["idle", "C-z"], ...stopped, ["fg", "C-c"]]),
    ]);
  });
}

globalThis.addEventListener("unload", () => {
  removeFolder(folder);
});
