import { runtime } from "../../ffi/runtime.ts";
import { nodeProcess } from "./node_process.ts";

const variable = "ASYNC_INTERRUPT_EMULATOR";

/** The emulator under which these tests run, if there is one. */
export const emulator: string | undefined = runtime === "deno"
  ? Deno.env.get(variable)
  : nodeProcess().env[variable];
