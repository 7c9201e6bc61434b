/** The other thread of worker_test.ts: follows the orders in its messages, one after another. */

import { parentPort } from "node:worker_threads";
import { checkpoint, Interrupt, type NativeFunction } from "../../mod.ts";

/**
 * Both ends of a Web Worker have this interface. Node's Workers have only parentPort, Deno's Web
 * Workers do not have it.
 */
interface Scope {
  onmessage: (event: { data: Order }) => void;
  postMessage(message: unknown): void;
  close(): void;
}

const scope = globalThis as unknown as Scope;
const port = parentPort ?? scope;
let interrupt: Interrupt | undefined;
let last = 0;

/** The orders of the parent. */
export type Order =
  | {
    do: "open";
    signal?: string | number;
    once?: boolean;
    wake?: boolean;
    every?: number;
    forward?: NativeFunction;
  }
  | { do: "crunch"; until: number }
  | { do: "signal"; target: NativeFunction; values: number[] }
  | { do: "close" }
  | { do: "checkpoint" }
  | { do: "end" };

function obey(order: Order) {
  switch (order.do) {
    case "open": {
      const { signal, once, wake, every, forward } = order;
      interrupt = new Interrupt({
        signal,
        once,
        wake,
        every,
        callback(value) {
          last = value;
          if (forward) Interrupt.signal(forward, value + 1);
          else port.postMessage(value);
        },
      });
      port.postMessage(interrupt.signalFunc());
      break;
    }
    case "crunch": {
      port.postMessage("crunching");
      let sum = 0;
      for (let i = 0; last !== order.until; i++) {
        sum = (sum + i) | 0;
        checkpoint();
      }
      port.postMessage(Number.isInteger(sum));
      break;
    }
    case "signal":
      port.postMessage(
        order.values.map((value) => Interrupt.signal(order.target, value)),
      );
      break;
    case "close":
      interrupt!.close();
      port.postMessage("closed");
      break;
    case "checkpoint":
      checkpoint();
      port.postMessage("checked");
      break;
    case "end":
      port.close();
  }
}
if (parentPort) parentPort.on("message", obey);
else scope.onmessage = ({ data }) => obey(data);
port.postMessage("ready");
