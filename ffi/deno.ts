import { openAddon } from "./node.ts";
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
import type { NodeSocket } from "./node_types.ts";
import { mayOpenAll } from "./permission.ts";
import { os, process } from "./runtime.ts";
import { checked } from "./errors.ts";

/** Opens a library with `Deno.dlopen`, which needs --allow-ffi. */
export function openDeno<T extends Symbols>(
  path: string,
  prefix: string,
  symbols: T,
): Library<T> {
  const functions = openGroups(path, prefix, symbols) as Functions<T>;
  return {
    functions,
    memory: (address, length) => memory(path, address, length),
    addressOf: (bytes) => BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes))),
    openWake: (...wake) => openWake(functions as unknown as WakeSocket, ...wake),
    listen: (to) => listen(functions as unknown as CheckDescriptors, to),
    beforeEnd,
    atRealmEnd,
  };
}

/** A thread may have several realms in turn: with --watch, or for the files of `deno test`. */
export function atRealmEnd(callback: () => void): void {
  globalThis.addEventListener("unload", callback);
}

/** The address that it returns differs from one loaded copy of the library to another. */
const IDENTITY = "function_address";

/**
 * Deno compiles a trampoline for each function, which takes 50 µs. So the first use of a function
 * opens only its group: pipe_open, pipe_close and the others of that prefix.
 */
function openGroups(path: string, prefix: string, symbols: Symbols): object {
  const functions = {};
  const identity = identityOf(open(path, prefix, symbols, [IDENTITY]));
  const groups = Map.groupBy(
    Object.keys(symbols),
    (name) => IDENTITY in symbols ? name.slice(0, name.indexOf("_")) : "",
  );
  for (const names of groups.values()) {
    const openGroup = () => {
      const opened = open(path, prefix, symbols, [...names, IDENTITY]);
      if (identityOf(opened) !== identity) {
        throw new Error(`${path} was replaced while it was in use`);
      }
      for (const name of names) {
        Object.defineProperty(functions, name, { value: opened[name] });
      }
    };
    for (const name of names) {
      Object.defineProperty(functions, name, {
        configurable: true,
        get() {
          openGroup();
          return functions[name as keyof typeof functions];
        },
      });
    }
  }
  return functions;
}

function open(
  path: string,
  prefix: string,
  symbols: Symbols,
  names: string[],
): Record<string, unknown> {
  const definitions: Record<string, Deno.ForeignFunction> = {};
  for (const name of names) {
    const symbol = symbols[name];
    // libc has no IDENTITY.
    if (symbol === undefined) continue;
    definitions[name] = {
      name: prefix + name,
      parameters: symbol.parameters as Deno.NativeType[],
      result: symbol.result as Deno.NativeResultType,
    };
  }
  const library = Deno.dlopen(path, definitions);
  // If it stayed open, `deno test --sanitize-resources` would report a leak in the first test that
  // uses the group. The functions stay valid, since neither our library (DF_1_NODELETE) nor libc is
  // ever unmapped.
  if (IDENTITY in symbols || prefix === "") library.close();
  return library.symbols;
}

function identityOf(opened: Record<string, unknown>): bigint | undefined {
  return (opened[IDENTITY] as ((which: number) => bigint) | undefined)?.(0);
}

function memory(
  path: string,
  address: bigint,
  length: number,
): ArrayBuffer | undefined {
  try {
    // --allow-ffi=<path> allows the library, but Deno would ask the user for pointers. The same
    // file, opened as an addon, gives the same view.
    if (!mayOpenAll()) return openAddon(path).view(address, length, 0n);
    return Deno.UnsafePointerView.getArrayBuffer(
      Deno.UnsafePointer.create(address)!,
      length,
    );
  } catch {
    return undefined;
  }
}

export function beforeEnd(callback: () => boolean): () => void {
  const listener = (event: Event) => {
    // Without this, Deno ends although the callback has begun something.
    if (callback()) event.preventDefault();
  };
  addEventListener("beforeunload", listener);
  return () => removeEventListener("beforeunload", listener);
}

/** Milliseconds. Deno calls its listeners within one, but a loaded machine may take longer. */
const LATE = 1000;

/**
 * How many turns of the event loop the end of a realm waits for a call, at one a millisecond. Not a
 * time: on a loaded machine this thread runs as rarely as those that it waits for, and after the
 * process was stopped for a while time tells nothing.
 */
const TURNS = { expected: 100, certain: 1000 };
/** How many more times LATE a removed listener stays, if a call is certain to come. */
const ROUNDS = 10;

interface CheckDescriptors {
  check_descriptors(pairs: number): number;
}
let hasListened = false;

/** By signal name: how to resume a removed listener that still lingers. */
const lingering = new Map<string, (next: ListenTo) => SignalListener>();

/**
 * Not with `process.on`: that takes 20 ms the first time, and warns when there are eleven
 * listeners.
 */
export function listen(
  functions: CheckDescriptors,
  to: ListenTo,
): SignalListener | "none" {
  const resumed = lingering.get(to.name)?.(to);
  if (resumed !== undefined) return resumed;
  const { name, passedOn, isPassing } = to;
  let { heard, look } = to;
  const signal = name as Deno.Signal;
  let calls = 0;
  let lastCall = -LATE;
  let passedThen: number;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let removed: () => void = () => {};
  const listener = () => {
    calls++;
    lastCall = performance.now();
    passedThen = passedOn();
    if (lingering.has(name)) {
      if (!isAwaited()) remove();
      return;
    }
    heard();
    // Deno often calls this before it reads the wake.
    outsideContext?.(look);
  };
  /**
   * Whether Deno may still call the listener for a signal that it has received. For several signals
   * that arrive fast Deno makes fewer calls, so only time can tell that no further call comes.
   */
  const isAwaited = () =>
    isPassing() || (passedOn() - before | 0) > calls &&
      (passedOn() !== passedThen || performance.now() - lastCall < LATE);
  /** A signal is passed on after the last call: it leads to another one. */
  const isCertain = () => isPassing() || passedOn() !== passedThen;
  let turns = 0;
  /** Whether this realm must not end yet. */
  const holds = () => isAwaited() && turns++ < (isCertain() ? TURNS.certain : TURNS.expected);
  const wait = (event: Event) => {
    if (!holds()) return;
    event.preventDefault();
    setTimeout(() => {}, 1);
  };
  const remove = () => {
    clearTimeout(timer);
    lingering.delete(name);
    Deno.removeSignalListener(signal, listener);
    removeEventListener("beforeunload", wait);
    removed();
  };
  const resume = (next: ListenTo): SignalListener => {
    clearTimeout(timer);
    lingering.delete(name);
    ({ heard, look } = next);
    removed = () => {};
    return { remove: leave };
  };
  const leave = (then: () => void) => {
    removed = then;
    turns = 0;
    if (!isAwaited()) return remove();
    lingering.set(name, resume);
    linger(ROUNDS);
    if (isWorker) stayAlive();
  };
  const linger = (rounds: number) => {
    timer = setTimeout(() => rounds > 0 && isCertain() ? linger(rounds - 1) : remove(), LATE);
    Deno.unrefTimer(timer as unknown as number);
  };
  /** A Worker has no `beforeunload`: it must not end before Deno has called the listener. */
  const stayAlive = () => {
    const poll = setInterval(() => {
      if (!holds()) clearInterval(poll);
    }, 1);
  };
  // Deno opens two descriptors with its first listener, and panics if it cannot. Two pairs are
  // asked for, since other threads may take some meanwhile.
  if (!hasListened && os !== "win32") {
    checked(functions.check_descriptors(2), `Cannot listen to ${name}`);
  }
  try {
    Deno.addSignalListener(signal, listener);
    hasListened = true;
  } catch (error) {
    // Deno does not support listeners for this signal.
    if (error instanceof TypeError) return "none";
    throw error;
  }
  // Nobody can ask Deno for the program's own.
  to.others(false);
  const before = passedThen = passedOn();
  // While Deno still has a signal to deliver, there must be a listener, also while the program
  // ends: Deno's thread would perform the default action.
  addEventListener("beforeunload", wait);
  return { remove: leave };
}

const isWorker = "DedicatedWorkerGlobalScope" in globalThis;

/**
 * As it was when this module was loaded, since tests of users replace it. Only its descriptor:
 * reading the property makes Deno load its timers, which takes 5 ms.
 */
const setTimeoutThen = Object.getOwnPropertyDescriptor(globalThis, "setTimeout")!;

function later(work: () => void): void {
  const setTimeout: typeof globalThis.setTimeout = setTimeoutThen.get?.call(globalThis) ??
    setTimeoutThen.value;
  setTimeout(work);
}

function openWake(
  functions: WakeSocket,
  agent: number,
  callback: () => void,
  failed: (cause: unknown) => void,
): Wake {
  // A terminated Worker leaves its sockets open, so the agent closes this one.
  const forgets = 1;
  const fd = checked(
    functions.agent_wake_socket(agent, forgets),
    "Cannot make the wake socket",
  );
  const wake = new LateWake();
  let socket: NodeSocket | undefined;
  let closed = false;
  const open = () => {
    if (closed) return;
    try {
      socket = openSocket(fd, callback, failed);
      wake.opened(socket);
    } catch (error) {
      failed(error);
    }
  };
  // Not at once: loading node:net takes longer than everything else. Nothing is missed before the
  // first turn of the event loop, since a wake waits in the socket. Not in a promise job either:
  // Deno runs due jobs while it loads a module of Node, and in the middle of that node:net is not
  // available, or opens the socket a second time.
  later(open);
  return Object.assign(wake, {
    close() {
      closed = true;
      socket?.destroy();
    },
  });
}

/**
 * Runs code outside of any AsyncLocalStorage context, as Deno itself does after reading from a
 * socket. Deno runs a signal listener in the context of the code that added the first one.
 * undefined until the first wake.
 */
let outsideContext: ((work: () => void) => void) | undefined;

function openSocket(
  fd: number,
  callback: () => void,
  failed: (cause: unknown) => void,
): NodeSocket {
  const { Socket } = process().getBuiltinModule("node:net");
  const { AsyncLocalStorage } = process().getBuiltinModule("node:async_hooks");
  const socket = new Socket({ fd, readable: true, writable: false });
  socket.on("data", () => {
    outsideContext ??= AsyncLocalStorage.snapshot();
    callback();
  });
  socket.on("error", failed);
  socket.on("end", failed);
  return socket;
}
