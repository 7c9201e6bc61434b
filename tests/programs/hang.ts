/** Never ends: `hang sleep` waits, `hang crunch` computes. */

import process from "node:process";

if (process.argv[2] === "crunch") { while (true); }
setInterval(() => {}, 1e9);
