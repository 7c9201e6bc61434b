/** Nothing but the awaited work keeps this alive. Prints what stopped it. */

import { interruptible } from "../../mod.ts";

try {
  await interruptible(() => new Promise(() => {}), { timeout: 500 });
} catch (error) {
  console.log((error as Error).name);
}
