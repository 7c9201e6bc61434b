/**
 * When imported, uses up this process's descriptors except for as many as its last argument says.
 */

import process from "node:process";
import { testkit } from "../support/testkit.ts";

const next = testkit.eventfd();
testkit.close(next);
const before = testkit.descriptor_limit(next + Number(process.argv.at(-1)));

/** Closes some of them, as other code might close descriptors of its own. */
export function giveDescriptors(): void {
  testkit.descriptor_limit(before);
}
