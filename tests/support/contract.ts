/**
 * The public surface, as declarations that are independent of how it is built, and a check that
 * both agree: names and types here are fixed from 0.1.0 on. More may be exported, nothing may be
 * missing. Only the type check reads this file; nothing in it runs.
 */

import type * as module from "../../mod.ts";
import type * as sqlite from "../../sqlite.ts";
import type { SignalName as OurSignalName } from "../../src/signals.ts";

interface NativeFunction {
  readonly func: bigint;
  readonly arg: bigint;
}

/** Any string is accepted, and editors complete these names: see the checks below. */
type SignalName = string;

type Signals = SignalName | number | readonly (SignalName | number)[];

interface InterruptOptions {
  // A union of two functions: `void | Promise<void>` would refuse `() => count++`.
  callback?: ((value: number) => void) | ((value: number) => Promise<void>);
  nativeCallback?: NativeFunction;
  signal?: SignalName | number;
  once?: boolean;
  signalHysteresis?: boolean;
  chain?: boolean;
  pipe?: module.EventPipe | readonly [readFd: number, writeFd: number];
  pipeAutodrain?: boolean;
  wake?: boolean;
  every?: number;
  rethrow?: boolean;
  onError?: (error: unknown) => void;
}

interface WaitOptions {
  signal?: AbortSignal;
}

interface Interrupt extends Disposable, AsyncIterable<number> {
  signal(value?: number): void;
  handle(): void;
  readonly pending: number;
  block(): void;
  unblock(): void;
  readonly blocked: boolean;
  scopeBlock(): Disposable;
  signalFunc(): NativeFunction;
  blockFunc(): NativeFunction;
  unblockFunc(): NativeFunction;
  pollFunc(): NativeFunction;
  readonly abortSignal: AbortSignal;
  readonly cVar: bigint;
  readonly buffer: Int32Array;
  signalHysteresis: boolean;
  readonly pipeFileno: number;
  pipeEnable(): void;
  pipeDisable(): void;
  pipeAutodrain: boolean;
  pipeDrain(): void;
  postFork(): void;
  wait(options?: WaitOptions): Promise<number>;
  [Symbol.asyncIterator](): AsyncIterableIterator<number>;
  ref(): this;
  unref(): this;
  close(): void;
  readonly closed: boolean;
  [Symbol.dispose](): void;
}

interface InterruptConstructor {
  new (options?: InterruptOptions): Interrupt;
  readonly supports: {
    readonly signals: readonly string[];
    readonly poll: "memory" | "call";
  };
  onError: (error: unknown, interrupt: module.Interrupt) => void;
  on(signals: Signals, options?: WaitOptions): AsyncIterableIterator<number>;
  once(signals: Signals, options?: WaitOptions): Promise<number>;
  signal(target: NativeFunction, value?: number): boolean;
}

interface EventPipe extends Disposable {
  readonly type: "eventfd" | "pipe" | "socketpair";
  readonly fileno: number;
  readonly filenos: readonly [readFd: number, writeFd: number];
  signal(): void;
  drain(): void;
  signalFunc(): NativeFunction;
  drainFunc(): NativeFunction;
  renew(): void;
  wait(timeoutMs?: number): boolean;
  close(): void;
  readonly closed: boolean;
  [Symbol.dispose](): void;
}

interface EventPipeConstructor {
  new (options?: { type?: EventPipe["type"] }): EventPipe;
}

interface InterruptError extends Error {
  readonly code: InterruptErrorCode;
  readonly errno?: number;
  readonly syscall?: string;
}

type InterruptErrorCode =
  | "CLOSED"
  | "BAD_FD"
  | "RESERVED_SIGNAL"
  | "UNBALANCED_UNBLOCK"
  | "UNSUPPORTED"
  | "LIBRARY_NOT_FOUND"
  | "SYSTEM";

interface Contract {
  readonly Interrupt: InterruptConstructor;
  readonly EventPipe: EventPipeConstructor;
  readonly InterruptError: { readonly prototype: InterruptError };
  checkpoint(): void;
  interruptible<T>(
    work: () => T,
    options?: { on?: Signals; timeout?: number; signal?: AbortSignal },
  ): T;
  sig2num(signal: string | number): number | undefined;
  sig2name(signal: string | number): string | undefined;
}

/** Compiles only where `Given` can be used as `Wanted`. */
type Is<Given extends Wanted, Wanted> = [Given, Wanted];

/** Whether the two are the same type, readonly included. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;

/** A class without its constructor, whose instances have private members. */
type Statics<C> = Omit<C, "prototype">;

/** An instance without its private members, and without the methods that return `this`. */
type Plain<I> = Pick<I, Exclude<keyof I, "ref" | "unref">>;

/** Everything is there, with at least the promised types. */
export type Ours = [
  Is<typeof module, Contract>,
  Is<module.Interrupt, Interrupt>,
  Is<module.EventPipe, EventPipe>,
  Is<module.InterruptError, InterruptError>,
];

/** Nothing asks for more, or gives less, than promised. */
export type Theirs = [
  Is<Plain<Interrupt>, Plain<module.Interrupt>>,
  Is<EventPipe, Pick<module.EventPipe, keyof EventPipe>>,
  Is<
    Omit<Contract, "InterruptError">,
    {
      [Name in Exclude<keyof Contract, "InterruptError">]: Name extends "Interrupt" | "EventPipe"
        ? Pick<
          Statics<(typeof module)[Name]>,
          keyof Statics<Contract[Name]> & keyof Statics<(typeof module)[Name]>
        >
        : (typeof module)[Name];
    }
  >,
  Is<InterruptOptions, module.InterruptOptions>,
  Is<module.InterruptOptions, InterruptOptions>,
  Is<ConstructorParameters<InterruptConstructor>, ConstructorParameters<typeof module.Interrupt>>,
  Is<ConstructorParameters<EventPipeConstructor>, ConstructorParameters<typeof module.EventPipe>>,
  Is<WaitOptions, module.WaitOptions>,
  Is<module.WaitOptions, WaitOptions>,
  Is<NativeFunction, module.NativeFunction>,
  Is<module.NativeFunction, NativeFunction>,
  Is<InterruptErrorCode, module.InterruptErrorCode>,
  Is<module.InterruptErrorCode, InterruptErrorCode>,
];

/** What assignment does not tell: no option is missing, and what is readonly is so. */
export type Exact = [
  Is<Same<keyof InterruptOptions, keyof module.InterruptOptions>, true>,
  Is<Same<keyof WaitOptions, keyof module.WaitOptions>, true>,
  Is<Same<keyof Interrupt, keyof module.Interrupt>, true>,
  Is<Same<keyof EventPipe, keyof module.EventPipe>, true>,
  Is<Same<Plain<Interrupt>, Plain<module.Interrupt>>, true>,
  Is<Same<Plain<EventPipe>, Plain<module.EventPipe>>, true>,
  Is<Same<ReturnType<module.Interrupt["ref" | "unref"]>, module.Interrupt>, true>,
];

interface SqliteContract {
  interruptibleDatabase(
    db: { loadExtension(path: string): unknown },
    interrupt?: module.Interrupt,
  ): Disposable;
}

/** The subpath of SQLite. */
export type Sqlite = [Is<typeof sqlite, SqliteContract>, Is<SqliteContract, typeof sqlite>];

/** The names that editors complete; a plain `string` in a union would swallow them. */
type Completed = OurSignalName extends infer Name
  ? Name extends string ? (string extends Name ? never : Name) : never
  : never;

/** Editors complete "SIGINT" and others, and any string is accepted. */
export type Names = [
  Is<"SIGINT" | "SIGTERM" | "SIGHUP" | "SIGUSR2" | "SIGRTMIN" | "SIGRTMIN+1", Completed>,
  Is<"usr2" | "no signal at all", OurSignalName>,
  Is<string, OurSignalName>,
  Is<OurSignalName, string>,
  // The union has not become `string`.
  Is<Same<OurSignalName, string>, false>,
  // It has no number, and no signal that cannot be caught.
  Is<Extract<"SIGKILL" | "SIGSTOP", Completed>, never>,
  // And it is what all that take a signal take.
  Is<Same<NonNullable<module.InterruptOptions["signal"]>, OurSignalName | number>, true>,
  Is<
    Same<
      Parameters<typeof module.Interrupt.on>[0],
      OurSignalName | number | readonly (OurSignalName | number)[]
    >,
    true
  >,
  Is<
    Same<
      Parameters<typeof module.Interrupt.once>[0],
      OurSignalName | number | readonly (OurSignalName | number)[]
    >,
    true
  >,
  Is<Same<Parameters<typeof module.sig2num>[0], OurSignalName | number>, true>,
  Is<Same<Parameters<typeof module.sig2name>[0], OurSignalName | number>, true>,
];
