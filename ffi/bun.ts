import type {
  Functions,
  Library,
  ListenTo,
  SignalListener,
  Symbols,
  Wake,
  WakeSocket,
} from "./library.ts";
import { LateWake } from "./late_wake.ts";
import { beforeExit, listenOnProcess } from "./process_signals.ts";
import { process } from "./runtime.ts";
import { AGENT_CLOSE_FUNCTION } from "./symbols.ts";
import { checked } from "./errors.ts";

/** The part of Bun's API that is used here: Bun's own types would be a dependency. */
interface BunSocket {
  ref(): void;
  unref(): void;
}
interface BunApi {
  readonly isMainThread: boolean;
  connect(options: {
    fd: number;
    socket: { data(): void; end(): void };
  }): Promise<BunSocket>;
}
interface BunFfi {
  dlopen(
    path: string,
    symbols: Record<string, { args: readonly string[]; returns: string }>,
  ): { symbols: Record<string, unknown> };
  ptr(bytes: Uint8Array): number;
  toArrayBuffer(
    pointer: number,
    offset: number,
    length: number,
    context?: number,
    deallocator?: number,
  ): ArrayBuffer;
}

/** Only our library has agents, so the generic table does not have this function. */
interface Core {
  function_address(which: number): bigint;
}

/** Opens a library with `bun:ffi`. */
export function openBun<T extends Symbols>(
  path: string,
  prefix: string,
  symbols: T,
): Library<T> {
  // Not an import: no other runtime and no bundler can resolve this specifier.
  const ffi = process().getBuiltinModule("bun:ffi") as BunFfi;
  const definitions: Record<
    string,
    { args: readonly string[]; returns: string }
  > = {};
  for (const [name, { parameters, result }] of Object.entries(symbols)) {
    definitions[prefix + name] = { args: parameters, returns: result };
  }
  const opened = ffi.dlopen(path, definitions).symbols;
  const functions = Object.fromEntries(
    Object.keys(symbols).map((name) => [name, opened[prefix + name]]),
  ) as unknown as Functions<T>;
  return {
    functions,
    memory(address, length, agent) {
      const view = [Number(address), 0, length] as const;
      if (agent === undefined) return ffi.toArrayBuffer(...view);
      const close = (functions as unknown as Core).function_address(
        AGENT_CLOSE_FUNCTION,
      );
      return ffi.toArrayBuffer(...view, Number(agent), Number(close));
    },
    addressOf: (bytes) => BigInt(ffi.ptr(bytes)),
    openWake: (...wake) => openWake(functions as unknown as WakeSocket, ...wake),
    listen,
    beforeEnd: beforeExit,
  };
}

function listen(to: ListenTo): SignalListener | "none" | "main thread" {
  if (unknownToBun.has(to.name)) return "none";
  const { Bun } = globalThis as unknown as { Bun: BunApi };
  return Bun.isMainThread ? listenOnProcess(to) : "main thread";
}

/**
 * Bun does not know these signals: it treats a listener on `process` for them as one for an
 * ordinary event.
 */
const unknownToBun = new Set(["SIGSTKFLT", "SIGPWR"]);

function openWake(
  functions: WakeSocket,
  agent: number,
  callback: () => void,
  failed: (cause: unknown) => void,
): Wake {
  // A Worker may end before Bun owns the descriptor, so the agent closes it in that case.
  const forgets = 1;
  const fd = checked(
    functions.agent_wake_socket(agent, forgets),
    "Cannot make the wake socket",
  );
  const { Bun } = globalThis as unknown as { Bun: BunApi };
  const wake = new LateWake();
  // The promise settles in one of the next turns; until then a wake waits in the socket.
  const connect = () =>
    Bun.connect({
      fd,
      socket: { data: callback, end: () => failed(undefined) },
      // Not in the `open` handler: Bun up to 1.4.0 forgets an unref() that comes before the promise
      // is resolved, and the process would never end.
    }).then((socket) => wake.opened(socket)).catch(failed);
  outsideContext(connect);
  return wake;
}

/**
 * Runs `work` outside of any AsyncLocalStorage context. Bun calls a socket back in the context that
 * opened it, and keeps that context alive for as long: it would be the context of the code that
 * made the first Interrupt. A message handler runs in none, and needs no `node:async_hooks`.
 */
function outsideContext(work: () => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    work();
  };
  port2.postMessage(undefined);
}
