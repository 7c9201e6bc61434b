import type { ListenTo, SignalListener } from "./library.ts";
import { process } from "./runtime.ts";

/** {@linkcode Library.beforeEnd} of Node and Bun, where the loop goes on by itself if there is something to do. */
export function beforeExit(callback: () => boolean): () => void {
  const events = process();
  events.on("beforeExit", callback);
  return () => events.off("beforeExit", callback);
}

/** A listener on `process`, which packages that count listeners see. */
export function listenOnProcess(
  { name, heard, replacing, replaced }: ListenTo,
): SignalListener {
  const events = process();
  const isIn = () => events.listeners(name).includes(heard);
  let renewing = false;
  /** The runtime has our handler beneath its own as soon as the first listener comes after the last one went. */
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
  // As with removeAllListeners(), or with code that saves all listeners, removes them and adds them again.
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
  events.on(name, heard);
  events.on("newListener", added);
  events.on("removeListener", removed);
  return {
    remove() {
      events.off("newListener", added);
      events.off("removeListener", removed);
      while (isIn()) events.off(name, heard);
    },
  };
}
