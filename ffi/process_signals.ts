import type { ListenTo, SignalListener } from "./library.ts";
import { process, runtime } from "./runtime.ts";

type Callback = (...args: never[]) => unknown;

/**
 * This source runs in the realm that Node itself runs in: what `process` holds must not come from a
 * realm that shall be collected.
 */
const weakSource = `(events, event, callback) => {
  const held = new WeakRef(callback);
  const listener = (...args) => held.deref()?.(...args);
  // The registry must live as long as the listener: a collected registry calls nobody.
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
 * A listener for `process` that calls `callback`, but does not keep it alive: `process` outlives
 * the realms of a thread (`node:vm`, jest). The listener is removed when `callback` is collected,
 * so the caller must hold that. Bun removes the listeners of a realm itself.
 */
function weak<C extends Callback>(event: string, callback: C): C {
  if (runtime !== "node") return callback;
  makeWeak ??= process().getBuiltinModule("node:vm")
    .runInThisContext(weakSource) as NonNullable<typeof makeWeak>;
  return makeWeak(process(), event, callback) as C;
}

/**
 * {@linkcode Library.beforeEnd} of Node and Bun. Their event loop continues by itself if there is
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
  { name, heard, look, replacing, replaced }: ListenTo,
): SignalListener {
  const events = process();
  const callback = () => {
    heard();
    // Bun calls the listeners before it reads the wake, and a listener after ours may end the
    // process. Node reads the wake first.
    if (runtime === "bun") look();
  };
  const listener = weak(name, callback);
  const isIn = () => events.listeners(name).includes(listener);
  let renewing = false;
  /**
   * After the last listener is removed, the next one that is added makes the runtime install its
   * handler on top of ours. This puts ours on top again.
   */
  const renew = () => {
    if (renewing) return;
    renewing = true;
    try {
      replacing();
      if (!isIn()) events.on(name, listener);
      replaced();
    } finally {
      renewing = false;
    }
  };
  // Code may call removeAllListeners(), or save all listeners, remove them and add them again.
  const added = (which: unknown, one: unknown) => {
    if (which !== name || renewing) return;
    renew();
    if (one === listener) queueMicrotask(removeCopies);
  };
  const removed = (which: unknown, one: unknown) => {
    if (which === name && one === listener && !isIn()) renew();
  };
  const removeCopies = () => {
    const count = events.listeners(name).filter((it) => it === listener).length;
    for (let more = count; more > 1; more--) events.off(name, listener);
  };
  const weakAdded = weak("newListener", added);
  const weakRemoved = weak("removeListener", removed);
  events.on(name, listener);
  events.on("newListener", weakAdded);
  events.on("removeListener", weakRemoved);
  return {
    callbacks: [callback, added, removed],
    remove() {
      events.off("newListener", weakAdded);
      events.off("removeListener", weakRemoved);
      while (isIn()) events.off(name, listener);
    },
  };
}
