import type { ListenTo, SignalListener } from "./library.ts";
import { process, runtime } from "./runtime.ts";

type Callback = (...args: never[]) => unknown;

/**
 * Runs where Node itself does: what `process` holds must not be of a realm that shall be collected.
 */
const weakSource = `(events, event, callback) => {
  const held = new WeakRef(callback);
  const listener = (...args) => held.deref()?.(...args);
  // It lives as long as the listener, or it would tell nobody.
  listener.registry = new FinalizationRegistry(() => {
    while (events.listeners(event).includes(listener)) events.off(event, listener);
  });
  listener.registry.register(callback);
  return listener;
}`;

let makeWeak:
  | ((events: unknown, event: string, callback: Callback) => Callback)
  | undefined;

/**
 * What stands for `callback` as a listener on `process`, which outlives the realms of a thread:
 * `node:vm`, jest. It goes when `callback` is collected, so the caller must hold that. Bun takes
 * the listeners of a realm away with it.
 */
function weak<C extends Callback>(event: string, callback: C): C {
  if (runtime !== "node") return callback;
  makeWeak ??= process().getBuiltinModule("node:vm")
    .runInThisContext(weakSource) as NonNullable<typeof makeWeak>;
  return makeWeak(process(), event, callback) as C;
}

/**
 * {@linkcode Library.beforeEnd} of Node and Bun, where the loop goes on by itself if there is
 * something to do.
 */
export function beforeExit(callback: () => boolean): () => void {
  const events = process();
  const listener = weak("beforeExit", callback);
  events.on("beforeExit", listener);
  return Object.assign(
    () => void events.off("beforeExit", listener),
    { callback },
  );
}

/** A listener on `process`, which packages that count listeners see. */
export function listenOnProcess(
  { name, heard: hears, look, replacing, replaced }: ListenTo,
): SignalListener {
  const events = process();
  const callback = () => {
    hears();
    // Bun calls listeners before it reads the wake, and one that comes after ours may end the
    // process. Node reads it first.
    if (runtime === "bun") look();
  };
  const heard = weak(name, callback);
  const isIn = () => events.listeners(name).includes(heard);
  let renewing = false;
  /**
   * The runtime has our handler beneath its own as soon as the first listener comes after the last
   * one went.
   */
  const renew = () => {
    if (renewing) return;
    renewing = true;
    try {
      replacing();
      if (!isIn()) events.on(name, heard);
      replaced();
    } finally {
      renewing = false;
    }
  };
  // As with removeAllListeners(), or with code that saves all listeners, removes them and adds them
  // again.
  const added = (which: unknown, listener: unknown) => {
    if (which !== name || renewing) return;
    renew();
    if (listener === heard) queueMicrotask(removeCopies);
  };
  const removed = (which: unknown, listener: unknown) => {
    if (which === name && listener === heard && !isIn()) renew();
  };
  const removeCopies = () => {
    const count = events.listeners(name).filter((it) => it === heard).length;
    for (let more = count; more > 1; more--) events.off(name, heard);
  };
  const weakAdded = weak("newListener", added);
  const weakRemoved = weak("removeListener", removed);
  events.on(name, heard);
  events.on("newListener", weakAdded);
  events.on("removeListener", weakRemoved);
  return {
    callbacks: [callback, added, removed],
    remove() {
      events.off("newListener", weakAdded);
      events.off("removeListener", weakRemoved);
      while (isIn()) events.off(name, heard);
    },
  };
}
