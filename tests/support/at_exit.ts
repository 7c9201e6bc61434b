import { runtime } from "../../ffi/runtime.ts";
import { nodeProcess } from "./node_process.ts";

/** Calls `callback` when this process ends by itself. `Deno.exit()` emits no "exit" on process. */
export function atExit(callback: () => void): void {
  if (runtime === "deno") globalThis.addEventListener("unload", callback);
  else nodeProcess().once("exit", callback);
}
