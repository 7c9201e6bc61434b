/**
 * Injects all faults of faults_test.ts in one process. Prints how many faults the library survived.
 */

import process from "node:process";
import { inject } from "../support/fault_injection.ts";
import { scenarios } from "../support/fault_scenarios.ts";

// What a test waits for may not keep the process alive.
setInterval(() => {}, 1e9);
let survived = 0;
for (const scenario of scenarios) survived += await inject(scenario);
console.log(survived);
process.exit();
