/**
 * Leaves this process with as many descriptors to give as its last argument says, as soon as it is
 * imported.
 */

import process from "node:process";
import { testkit } from "../support/testkit.ts";

const next = testkit.eventfd();
testkit.close(next);
const before = testkit.descriptor_limit(next + Number(process.argv.at(-1)));

/** As if other code had closed some of its own. */
export function giveDescriptors(): void {
  testkit.descriptor_limit(before);
}
