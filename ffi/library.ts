/** What the bindings may pass; `u64` is a bigint in JavaScript, the others are numbers. */
export type Scalar = "i32" | "u32" | "u64" | "void";

/** A table of functions, as zig-src/generate.zig writes it. */
export type Symbols = Readonly<
  Record<
    string,
    { readonly parameters: readonly Scalar[]; readonly result: Scalar }
  >
>;

type JavaScript<S> = S extends "u64" ? bigint
  : S extends "void" ? void
  : number;

type Parameters<P extends readonly Scalar[]> = {
  -readonly [I in keyof P]: JavaScript<P[I]>;
};

/** The functions of a table, as JavaScript calls them. */
export type Functions<T extends Symbols> = {
  readonly [K in keyof T]: (
    ...parameters: Parameters<T[K]["parameters"]>
  ) => JavaScript<T[K]["result"]>;
};

/**
 * What makes an agent's event loop turn. Unreferenced at first: it does not keep the process alive.
 */
export interface Wake {
  /** Where it must be held by whoever holds the wake. */
  readonly callback?: () => void;
  ref(): void;
  unref(): void;
  /** At the end of the realm, where the runtime leaves its descriptor open. */
  close?(): void;
}

/** A listener of the runtime for a POSIX signal, which does nothing to the program. */
export interface SignalListener {
  /** Where they must be held by whoever holds the listener. */
  readonly callbacks?: readonly unknown[];
  remove(): void;
}

/** What {@linkcode Library.listen} is told. */
export interface ListenTo {
  readonly agent: number;
  readonly signal: number;
  readonly name: string;
  /** To be called by the listener. */
  heard(): void;
  /**
   * Delivers what waits for the wake, if the listener comes before that. To be called in no
   * AsyncLocalStorage context.
   */
  look(): void;
  /** How many signals the library has passed on to the runtime. */
  passedOn(): number;
  /** The runtime may install its handler between these two calls, later than at the first time. */
  replacing(): void;
  replaced(): void;
}

/** An opened native library: the one interface of the three adapters. */
export interface Library<T extends Symbols> {
  readonly functions: Functions<T>;
  /**
   * A view of native memory; undefined where the permissions given do not allow one. `agent` is the
   * token of the agent whose words these are: it is closed when the view is collected, where the
   * runtime has realms that are.
   */
  memory(
    address: bigint,
    length: number,
    agent?: bigint,
  ): ArrayBuffer | undefined;
  /** Calls back when this realm ends, where the runtime says so. */
  atRealmEnd?(callback: () => void): void;
  /**
   * Where these bytes are: as long as they are referred to, and if there are thousands, since
   * engines move small arrays. undefined where the runtime does not tell.
   */
  addressOf(bytes: Uint8Array<ArrayBuffer>): bigint | undefined;
  /**
   * Calls back in the event loop whenever the agent is woken. The runtime has drained its
   * descriptor by then. `failed` is told when there will be no more wakes.
   */
  openWake(
    agent: number,
    callback: () => void,
    failed: (cause: unknown) => void,
  ): Wake;
  /**
   * Registers a listener for a signal with the runtime; it does not keep the process alive.
   * `"none"`: the runtime knows no such signal. `"main thread"`: only a listener of the main
   * thread's can be had.
   */
  listen(to: ListenTo): SignalListener | "none" | "main thread";
  /**
   * Calls back when the event loop has nothing left to do, before the thread ends; it goes on if
   * `callback` gives true.
   *
   * @returns what undoes it.
   */
  beforeEnd(callback: () => boolean): () => void;
}

/**
 * Opens a library file, whose C symbols are `prefix` and the table's names. Throws what the runtime
 * throws.
 */
export type Open = <T extends Symbols>(
  path: string,
  prefix: string,
  symbols: T,
) => Library<T>;

/** The function of the core that hands over the read side of an agent's wake socket. */
export interface WakeSocket {
  agent_wake_socket(agent: number, forgets: number): number;
}
