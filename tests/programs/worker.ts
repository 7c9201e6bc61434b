/** The other thread of worker_test.ts: does what the messages say, one after another. */

import { parentPort } from "node:worker_threads";
import { checkpoint, Interrupt, type NativeFunction } from "../../mod.ts";

/**
 * Both ends of a Web Worker are like this; in Node's there is parentPort alone, in Deno's Web
 * Workers there is none.
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

/** What the parent may ask for. */
export type Order =
  | { do: "open"; signal?: string; wake?: boolean; forward?: NativeFunction }
  | { do: "crunch"; until: number }
  | { do: "signal"; target: NativeFunction; values: number[] }
  | { do: "close" }
  | { do: "checkpoint" }
  | { do: "end" };

function obey(order: Order) {
  switch (order.do) {
    case "open": {
      const { signal, wake, forward } = order;
      interrupt = new Interrupt({
        signal,
        wake,
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
