/**
 * The server for `deno serve`. It idles for two seconds, and needs 300 ms to end when it is told
 * to.
 */

const process = require("node:process");
const { Interrupt } = require("async-interrupt");

new Interrupt({
  signal: "SIGTERM",
  async callback() {
    console.log("heard");
    await new Promise((resolve) => setTimeout(resolve, 300));
    console.log("drained");
    process.exit(0);
  },
});
setTimeout(() => console.log("ready"), 2000);
module.exports = { fetch: () => new Response("hello") };
