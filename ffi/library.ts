/**
 * The types that the bindings pass. In JavaScript `u64` is a bigint, and the others are numbers.
 */
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

/** The functions of a table, with their JavaScript types. */
export type Functions<T extends Symbols> = {
  readonly [K in keyof T]: (
    ...parameters: Parameters<T[K]["parameters"]>
  ) => JavaScript<T[K]["result"]>;
};

/**
 * What wakes the event loop of an agent. It begins unreferenced: it does not keep the process
 * alive.
 */
export interface Wake {
  /** Set where nothing else holds the callback: the holder of the wake must keep it alive. */
  readonly callback?: () => void;
  ref(): void;
  unref(): void;
  /** Called at the end of the realm, where the runtime leaves the descriptor open. */
  close?(): void;
}

/** A listener of the runtime for a POSIX signal. For the program it does nothing. */
export interface SignalListener {
  /** @param removed called when the runtime does not listen any more, which may be later. */
  remove(removed: () => void): void;
  /** Looks again whether the program has listeners of its own, where the runtime does not tell. */
  refresh?(): void;
}

/** The argument of {@linkcode Library.listen}. */
export interface ListenTo {
  readonly agent: number;
  readonly signal: number;
  readonly name: string;
  /** The listener must call this. */
  heard(): void;
  /**
   * Delivers what is pending, if the listener is called before the runtime reads the wake. Call it
   * outside of any AsyncLocalStorage context.
   */
  look(): void;
  /** How many signals the library has passed on to the runtime. */
  passedOn(): number;
  /** Whether some thread may pass one on in the next moment. Ask this before passedOn(). */
  isPassing(): boolean;
  /**
   * Call it whenever the program's own listeners for the signal come or go, if the runtime tells:
   * whether there are any.
   */
  others(listen: boolean): void;
  /**
   * Call it before the listener is removed, where others() cannot be called.
   */
  removing(): void;
  /**
   * Call replacing() before, and replaced() after, each later step in which the runtime may install
   * its handler again.
   */
  replacing(): void;
  replaced(): void;
}

/** An opened native library: the one interface of the three adapters. */
export interface Library<T extends Symbols> {
  readonly functions: Functions<T>;
  /**
   * A view of native memory; undefined where the permissions do not allow one.
   *
   * @param agent the token of the agent that owns this memory. The agent is closed when the view is
   * collected, on runtimes where a realm can be collected.
   */
  memory(
    address: bigint,
    length: number,
    agent?: bigint,
  ): ArrayBuffer | undefined;
  /** Calls back when this realm ends. Only where the runtime has an event for that. */
  atRealmEnd?(callback: () => void): void;
  /**
   * Address of `bytes`, valid while `bytes` is referenced. `bytes` must have thousands of elements,
   * since engines move small arrays. undefined where the runtime does not give addresses.
   */
  addressOf(bytes: Uint8Array<ArrayBuffer>): bigint | undefined;
  /**
   * Calls back in the event loop whenever the agent is woken, after the runtime has drained the
   * descriptor.
   *
   * @param failed called when there will be no more wakes.
   */
  openWake(
    agent: number,
    callback: () => void,
    failed: (cause: unknown) => void,
  ): Wake;
  /**
   * Registers a listener for a signal with the runtime. It does not keep the process alive.
   *
   * @returns `"none"` if the runtime does not know the signal, `"main thread"` if only the main
   * thread can have a listener for it.
   */
  listen(to: ListenTo): SignalListener | "none" | "main thread";
  /**
   * Calls back when the event loop has nothing left to do, before the thread ends. The loop
   * continues if `callback` returns true.
   *
   * @returns a function that undoes this.
   */
  beforeEnd(callback: () => boolean): () => void;
}

/**
 * Opens a library file. Its C symbols are `prefix` and the names of the table. Throws what the
 * runtime throws.
 */
export type Open = <T extends Symbols>(
  path: string,
  prefix: string,
  symbols: T,
) => Library<T>;

/** The native function that hands over the read side of an agent's wake socket. */
export interface WakeSocket {
  agent_wake_socket(agent: number, forgets: number): number;
}
