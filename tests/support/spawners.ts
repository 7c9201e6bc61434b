/** All ways in which this runtime starts other processes, and what those inherit. */

import { spawn, spawnSync } from "node:child_process";
import { runtime } from "./harness.ts";

/** Starts a command before it returns. Returns the output of the command after it has ended. */
export type Spawner = (command: string[]) => string | Promise<string>;

/** The part of Bun's API that is used here. */
interface BunApi {
  spawnSync(command: string[]): { stdout: Uint8Array };
  spawn(command: string[]): { stdout: ReadableStream<Uint8Array> };
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Keyed by the function that users call. */
export const spawners: Record<string, Spawner> = {
  "spawnSync()": ([command, ...args]) => text(spawnSync(command!, args).stdout),
  "spawn()": ([command, ...args]) =>
    new Promise((resolve, reject) => {
      let output = "";
      const child = spawn(command!, args, {
        stdio: ["ignore", "pipe", "ignore"],
      });
      child.stdout.setEncoding("utf8");
      child.stdout.on("data", (chunk: string) => output += chunk);
      child.once("error", reject);
      child.once("close", () => resolve(output));
    }),
};
if (runtime === "deno") {
  const make = ([command, ...args]: string[]) =>
    new Deno.Command(command!, { args, stdout: "piped" });
  spawners["Deno.Command().outputSync()"] = (command) => text(make(command).outputSync().stdout);
  spawners["Deno.Command().spawn()"] = async (command) =>
    text((await make(command).spawn().output()).stdout);
}
if (runtime === "bun") {
  const { Bun } = globalThis as unknown as { Bun: BunApi };
  spawners["Bun.spawnSync()"] = (command) => text(Bun.spawnSync(command).stdout);
  spawners["Bun.spawn()"] = (command) => new Response(Bun.spawn(command).stdout).text();
}

/** What a process inherited from its parent. */
export interface Inherited {
  /** As `number target`, without stdin, stdout and stderr. */
  descriptors: string[];
  ignored: bigint;
  blocked: bigint;
}

/** What a process inherits that is started now. */
export async function inherited(spawn: Spawner): Promise<Inherited> {
  const text = await spawn([
    "sh",
    "-c",
    "ls -l /proc/self/fd; cat /proc/self/status",
  ]);
  const word = (name: string) =>
    BigInt("0x" + new RegExp(`^${name}:\\s*(\\w+)`, "m").exec(text)![1]!);
  return {
    descriptors: [...text.matchAll(/(\d+) -> (.*)$/gm)]
      .filter(([, fd, target]) =>
        Number(fd) > 2 && !target!.startsWith("/proc/") &&
        // Bun 1.2 uses this memfd for the child's stdin.
        !target!.startsWith("/memfd:spawn_stdio")
      )
      .map(([, fd, target]) => `${fd} ${target}`),
    ignored: word("SigIgn"),
    blocked: word("SigBlk"),
  };
}
