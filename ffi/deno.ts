import type { Socket } from "node:net";
import { openAddon } from "./node.ts";
import type {
  Functions,
  Library,
  Symbols,
  Wake,
  WakeSocket,
} from "./library.ts";
import { process } from "./runtime.ts";
import { checked } from "../errors.ts";

/** `Deno.dlopen`; needs --allow-ffi. */
export function openDeno<T extends Symbols>(
  path: string,
  prefix: string,
  symbols: T,
): Library<T> {
  const definitions: Record<string, Deno.ForeignFunction> = {};
  for (const [name, { parameters, result }] of Object.entries(symbols)) {
    definitions[name] = {
      name: prefix + name,
      parameters: parameters as Deno.NativeType[],
      result: result as Deno.NativeResultType,
    };
  }
  const functions = Deno.dlopen(path, definitions)
    .symbols as unknown as Functions<T>;
  return {
    functions,
    memory: (address, length) => memory(path, address, length),
    openWake: (agent, callback) =>
      openWake(functions as unknown as WakeSocket, agent, callback),
  };
}

function memory(
  path: string,
  address: bigint,
  length: number,
): ArrayBuffer | undefined {
  try {
    return Deno.UnsafePointerView.getArrayBuffer(
      Deno.UnsafePointer.create(address)!,
      length,
    );
  } catch {
    // --allow-ffi=<path> allows the library but no pointers. The same file as an addon gives the same view, if it may be read.
    try {
      return openAddon(path).view(address, length);
    } catch {
      return undefined;
    }
  }
}

function openWake(
  functions: WakeSocket,
  agent: number,
  callback: () => void,
): Wake {
  // A Worker that is terminated leaves its sockets open.
  const forgets = 1;
  const fd = checked(
    functions.agent_wake_socket(agent, forgets),
    "Cannot make the wake socket",
  );
  const { Socket } = process().getBuiltinModule("node:net");
  const socket: Socket = new Socket({ fd, readable: true, writable: false });
  socket.on("data", callback);
  socket.unref();
  return socket;
}
