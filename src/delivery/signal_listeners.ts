import { checked } from "../../ffi/errors.ts";
import type { SignalListener } from "../../ffi/library.ts";
import type { Native } from "../../ffi/load.ts";
import { runtime } from "../../ffi/runtime.ts";
import { CHAIN, LISTENED } from "../../ffi/symbols.ts";
import { signalTable } from "../../ffi/signal_names.ts";

const nameOf = (signal: number) => signalTable().names.get(signal);

/** From here on, signals have no name that runtimes know. */
const REALTIME = 32;
const SIGPIPE = 13;

/**
 * For hook_unlistened. Deno installs its handler for a signal only once: if the earlier disposition
 * were restored, every later listener would be deaf.
 */
const putsBack = { deno: 0, bun: 1, node: 2 }[runtime];

/**
 * The listener for one signal. It exists while Interrupts of this realm hook the signal, or
 * Interrupts of threads that cannot have a listener of their own.
 */
interface Entry {
  readonly users: Set<object>;
  readonly listener: SignalListener | undefined;
  readonly options: number;
  /** The listener stays registered when it has no more users. */
  readonly stays: boolean;
}

/**
 * Makes this realm a listener of its runtime for each signal that its Interrupts hook, before they
 * hook it.
 *
 * A runtime installs its own handler with the first listener for a signal and removes it with the
 * last; Deno also performs the default action where nobody listens. With a listener that does
 * nothing, the runtime's handler is installed once, beneath ours, and stays there. Ours passes
 * every signal on to it, so everybody hears.
 */
export class SignalListeners {
  readonly #native: Native;
  readonly #agent: number;
  readonly #look: () => void;
  readonly #entries = new Map<number, Entry>();
  /** A bit for each signal that this realm listens to for other threads. */
  #lent = 0n;

  /** @param look delivers what is pending in this realm. */
  constructor(native: Native, agent: number, look: () => void) {
    this.#native = native;
    this.#agent = agent;
    this.#look = look;
  }

  /**
   * Listens to a signal that can be hooked, until all users have closed.
   *
   * @param user any object; opening again with the same one has no effect.
   * @returns the options to pass to record_hook.
   */
  open(signal: number, user: object): number {
    let entry = this.#entries.get(signal);
    if (entry === undefined) {
      this.#entries.set(signal, entry = this.#listen(signal));
    } else {
      entry.listener?.refresh?.();
    }
    entry.users.add(user);
    return entry.options;
  }

  /**
   * Call this after our handler is removed: with its last listener a runtime installs SIG_DFL,
   * whatever is installed then. Closing twice has no effect, also if an exception ended the first.
   */
  close(signal: number, user: object): void {
    const entry = this.#entries.get(signal);
    if (entry === undefined) return;
    entry.users.delete(user);
    if (entry.users.size > 0 || entry.stays) return;
    const { functions } = this.#native;
    if (entry.listener === undefined) {
      functions.agent_borrow(this.#agent, signal, 0);
      this.#entries.delete(signal);
      return;
    }
    let status = 0;
    entry.listener.remove(() => {
      status = functions.hook_unlistened(this.#agent, signal, putsBack);
    });
    this.#entries.delete(signal);
    checked(status, `Cannot put back what ${nameOf(signal)} did before`);
  }

  #listen(signal: number): Entry {
    const { functions } = this.#native;
    const name = signal < REALTIME ? nameOf(signal) : undefined;
    if (name === undefined) {
      return { users: new Set(), listener: undefined, options: 0, stays: true };
    }
    const ignored = checked(
      functions.hook_listening(this.#agent, signal),
      `Cannot read what ${name} does`,
    ) === 1;
    let listener: SignalListener | "none" | "main thread" = "none";
    try {
      listener = this.#native.listen({
        agent: this.#agent,
        signal,
        name,
        heard: () => functions.hook_heard(this.#agent, signal),
        look: this.#look,
        passedOn: () => functions.hook_passed_on(signal),
        isPassing: () => functions.hook_passed_on(0) !== 0,
        others: (listen) => functions.hook_others(signal, Number(listen)),
        removing: () => void functions.hook_removing(signal),
        replacing: () => void functions.hook_listening(this.#agent, signal),
        replaced: () => void functions.hook_listened(signal),
      });
      if (typeof listener !== "string") {
        checked(
          functions.hook_listened(signal),
          `Cannot listen to ${name} beside the runtime`,
        );
      }
    } catch (error) {
      const unlistened = () => functions.hook_unlistened(this.#agent, signal, putsBack);
      if (typeof listener === "string") unlistened();
      else listener.remove(unlistened);
      throw error;
    }
    if (typeof listener === "string") {
      functions.hook_unlistened(this.#agent, signal, 0);
      const borrows = listener === "main thread";
      if (borrows) functions.agent_borrow(this.#agent, signal, 1);
      const options = borrows ? LISTENED : 0;
      return {
        users: new Set(),
        listener: undefined,
        options,
        stays: !borrows,
      };
    }
    // Without a listener for PIPE, the next write to a closed pipe would kill the process. On Deno,
    // a signal that was ignored before would get the default action.
    const stays = signal === SIGPIPE || runtime === "deno" && ignored;
    return { users: new Set(), listener, options: LISTENED, stays };
  }

  /**
   * Begins to listen to the signals for which agents of other threads need a listener on the main
   * thread, and stops for those that no agent needs any more.
   */
  lend(): void {
    const wanted = this.#native.functions.agent_borrowed();
    for (let signal = 1; signal < REALTIME; signal++) {
      const bit = 1n << BigInt(signal - 1);
      if ((wanted & bit) === (this.#lent & bit)) continue;
      if (wanted & bit) this.open(signal, this);
      else this.close(signal, this);
      this.#lent ^= bit;
    }
  }
}

/** The option CHAIN of record_hook, or 0. Deno's handler itself calls the one that it replaced. */
export function chainOption(chain: boolean, listened: number): number {
  return chain && !(runtime === "deno" && listened !== 0) ? CHAIN : 0;
}
