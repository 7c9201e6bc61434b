/** Runs a query that Ctrl-C is to stop, and goes on with the connection. */

import { writeSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import { Interrupt, type InterruptError, interruptible } from "../../mod.ts";
import { interruptibleDatabase } from "../../sqlite.ts";
import { endless, long, newDatabase, open, openNode, outcome } from "../support/sqlite.ts";
import { runWay } from "../support/ways.ts";

const say = (text: unknown) => writeSync(1, `${text}\n`);

runWay(import.meta.url, {
  interruptible() {
    const db = open(newDatabase());
    interruptibleDatabase(db);
    try {
      interruptible(() => {
        say("queries");
        db.prepare(endless).all();
      }, { on: "SIGINT" });
    } catch (error) {
      say((error as Error).name);
    }
    say(outcome(db, long));
    db.close();
  },
  forbidden() {
    try {
      interruptibleDatabase(openNode(":memory:", false));
    } catch (error) {
      const { code, message } = error as InterruptError;
      say(`${code} ${message}`);
    }
  },
  finite() {
    const db = open(newDatabase());
    interruptibleDatabase(db);
    parentPort!.postMessage(outcome(db, long));
    db.close();
  },
  callback() {
    const db = open(newDatabase());
    const interrupt = new Interrupt({
      signal: "SIGINT",
      callback(value) {
        say(value);
        say(outcome(db, long));
        interrupt.close();
        db.close();
      },
    });
    interruptibleDatabase(db, interrupt);
    say("queries");
    say(outcome(db, endless));
  },
});
