import { onInterrupt } from "../../lib/run.ts";

const folder = "/proc/sys/fs/binfmt_misc";

/** The first bytes of a program for arm64, and which of their bits count. */
const arm64 = {
  // "\x7fELF", 64 bits, little-endian; an executable or a shared object (2, 3); EM_AARCH64 (183).
  magic: "7f 45 4c 46 02 01 01 00 00 00 00 00 00 00 00 00 02 00 b7 00",
  mask: "ff ff ff ff ff ff ff 00 ff ff ff ff ff ff ff ff fe ff ff ff",
};

/**
 * Makes the kernel run programs for arm64 by an emulator while `work` runs. Tests start programs by
 * their path, so nothing less will do. Needs root. Leaves the kernel as it was.
 *
 * @param emulator its path.
 * @throws if it cannot be registered.
 */
export async function withArm64<T>(emulator: string, work: () => Promise<T>): Promise<T> {
  const name = "async-interrupt-arm64";
  const isMounted = await exists(`${folder}/register`);
  const undo = () => {
    try {
      Deno.writeTextFileSync(`${folder}/${name}`, "-1");
    } catch {
      // It was not registered, or another run has taken it out.
    }
    if (!isMounted) new Deno.Command("umount", { args: [folder] }).outputSync();
  };
  if (!isMounted) {
    const args = ["-t", "binfmt_misc", "binfmt_misc", folder];
    const { success, stderr } = new Deno.Command("mount", { args }).outputSync();
    if (!success) throw new Error(`${refusal}: ${new TextDecoder().decode(stderr)}`);
  }
  const forget = onInterrupt(undo);
  try {
    // What an interrupted run has left names a path that may be gone.
    if (await exists(`${folder}/${name}`)) Deno.writeTextFileSync(`${folder}/${name}`, "-1");
    const bytes = (text: string) => text.replace(/^|\s/g, "\\x");
    // P: it gets argv[0] as it was. F: it is opened now, so no other root folder hides it.
    const rule = `:${name}:M::${bytes(arm64.magic)}:${bytes(arm64.mask)}:${emulator}:PF`;
    try {
      Deno.writeTextFileSync(`${folder}/register`, rule);
    } catch (error) {
      throw new Error(`${refusal}: ${error}`);
    }
    return await work();
  } finally {
    forget();
    undo();
  }
}

const refusal = "Cannot register an emulator with the kernel: this needs root and binfmt_misc";

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
