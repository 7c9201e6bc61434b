/**
 * A server as users write it, with a package that acts when the process ends. It idles for two
 * seconds, and needs 300 ms for its last request when it is told to end. field_test.ts copies it
 * into a project of its own.
 *
 * Arguments: the package; `interrupt` or `listener`, which receives the signal; `before` or
 * `after`, whether that is set up before or after the package is loaded.
 */

const { createServer, get } = require("node:http");
const process = require("node:process");
const { Interrupt } = require("async-interrupt");

const [name, who, when] = process.argv.slice(2);

let drain;
const server = createServer((_request, response) => {
  response.write("begun");
  drain = () => setTimeout(() => response.end(), 300);
});

function heard() {
  console.log("heard");
  server.close(() => {
    console.log("drained");
    process.exit(0);
  });
  drain();
}

function listen() {
  if (who === "interrupt") {
    new Interrupt({ signal: "SIGTERM", callback: heard });
  } else {
    process.on("SIGTERM", heard);
  }
}

const hook = () => console.log("the package's hook");
const load = {
  none: () => {},
  "signal-exit": ({ onExit }) => onExit(hook),
  "signal-exit-3": (onExit) => onExit(hook),
  "exit-hook": ({ default: exitHook }) => exitHook(hook),
  "close-with-grace": (closeWithGrace) =>
    closeWithGrace({ delay: 5000 }, () => Promise.resolve(hook())),
  death: (onDeath) => onDeath(hook),
  "async-exit-hook": (exitHook) => exitHook(hook),
  "@godaddy/terminus": ({ createTerminus }) =>
    createTerminus(server, {
      signals: ["SIGTERM"],
      timeout: 5000,
      onSignal: () => Promise.resolve(hook()),
    }),
  "node-cleanup": (nodeCleanup) => nodeCleanup(hook),
}[name];

if (when === "before") listen();
load(name === "none" ? undefined : require(name));
if (when === "after") listen();

server.listen(0, "127.0.0.1", () => {
  const { port } = server.address();
  get({ port, host: "127.0.0.1", agent: false }, (answer) => {
    answer.resume();
    setTimeout(() => console.log("ready"), 2000);
  });
});
