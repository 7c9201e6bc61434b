import type { ListenTo, SignalListener } from "./library.ts";
import type { NodeListener } from "./node_types.ts";
import { process, runtime } from "./runtime.ts";

type Callback = (...args: unknown[]) => unknown;

/** By listener, what it calls. What `process` holds reaches this only weakly. */
const callbacks = new Map<NodeListener, Callback>();

/**
 * This source runs in the realm that Node itself runs in: what `process` holds must not come from a
 * realm that shall be collected.
 *
 * One WeakRef serves all listeners of a realm: V8 keeps the target of each new one alive until the
 * job ends, so one for each listener would fill the memory in a loop that opens and closes.
 */
const weakSource = `(events, callbacks) => {
  const held = new WeakRef(callbacks);
  const ours = new WeakSet();
  const registry = new FinalizationRegistry(() => {
    for (const event of events.eventNames()) {
      for (const one of events.listeners(event)) {
        if (ours.has(one)) events.off(event, one);
      }
    }
  });
  registry.register(callbacks);
  return (event) => {
    const listener = (...args) => {
      const callback = held.deref()?.get(listener);
      // Code may have saved the listener, and added it again after we had removed it.
      if (callback === undefined) events.off(event, listener);
      else callback(...args);
    };
    // The registry must live as long as the listener: a collected registry calls nobody.
    listener.registry = registry;
    ours.add(listener);
    return listener;
  };
}`;

let makeWeak: ((event: string) => NodeListener) | undefined;

/**
 * A listener for `process` that calls `callback`, but does not keep this realm alive: `process`
 * outlives the realms of a thread (`node:vm`, jest). When the realm is collected, the listener is
 * removed; who removes it before also removes it from `callbacks`. Bun removes the listeners of a
 * realm itself.
 */
function weak(event: string, callback: Callback): NodeListener {
  if (runtime !== "node") return callback;
  if (makeWeak === undefined) {
    const { runInThisContext } = process().getBuiltinModule("node:vm");
    const make = runInThisContext(weakSource) as (
      ...from: [events: unknown, callbacks: unknown]
    ) => typeof makeWeak;
    makeWeak = make(process(), callbacks)!;
  }
  const listener = makeWeak(event);
  callbacks.set(listener, callback);
  return listener;
}

/**
 * By the name of an event or a signal, what removes our listeners. Where an exception has ended
 * beforeExit() or listenOnProcess() in the middle, nobody else has it: the next call removes what
 * that one left.
 */
const removers = new Map<string, () => void>();

/**
 * {@linkcode Library.beforeEnd} of Node and Bun. Their event loop continues by itself if there is
 * something to do.
 */
export function beforeExit(callback: () => boolean): () => void {
  const name = "beforeExit";
  const events = process();
  removers.get(name)?.();
  const listener = weak(name, callback);
  const remove = () => {
    events.off(name, listener);
    callbacks.delete(listener);
    removers.delete(name);
  };
  removers.set(name, remove);
  events.on(name, listener);
  return remove;
}

/** All copies and versions of this module mark their listeners: the program has others. */
const mark = Symbol.for("async-interrupt listener");

function isOurs(listener: unknown): boolean {
  return typeof listener === "function" && mark in listener;
}

/** A listener on `process`, which packages that count listeners see. */
export function listenOnProcess(
  { name, heard, look, replacing, replaced, others }: ListenTo,
): SignalListener {
  const events = process();
  removers.get(name)?.();
  const callback = () => {
    heard();
    // Bun calls the listeners before it reads the wake, and a listener after ours may end the
    // process. Node reads the wake first.
    if (runtime === "bun") look();
  };
  const listener = Object.assign(weak(name, callback), { [mark]: true });
  const tellOthers = () => others(events.listeners(name).some((it) => !isOurs(it)));
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
    // This event comes before the listener is in.
    if (!isOurs(one)) others(true);
    renew();
    if (one === listener) queueMicrotask(removeCopies);
  };
  const removed = (which: unknown, one: unknown) => {
    if (which !== name) return;
    if (one === listener && !isIn()) renew();
    tellOthers();
  };
  const removeCopies = () => {
    const count = events.listeners(name).filter((it) => it === listener).length;
    for (let more = count; more > 1; more--) events.off(name, listener);
  };
  const weakAdded = weak("newListener", added);
  const weakRemoved = weak("removeListener", removed);
  const remove = () => {
    events.off("newListener", weakAdded);
    events.off("removeListener", weakRemoved);
    while (isIn()) events.off(name, listener);
    for (const one of [listener, weakAdded, weakRemoved]) callbacks.delete(one);
    removers.delete(name);
  };
  removers.set(name, remove);
  tellOthers();
  events.on(name, listener);
  events.on("newListener", weakAdded);
  events.on("removeListener", weakRemoved);
  return {
    remove(removed) {
      remove();
      removed();
    },
    // Bun does not tell when a listener goes by off().
    refresh: tellOthers,
  };
}
