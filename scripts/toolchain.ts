/**
 * Fetches the tools that build and test this project into `.toolchain/`, and prints their paths.
 */

import { bun, node, nodeVersions, oldest, oldestDeno, spin, zig } from "./lib/toolchain.ts";

console.log(`zig ${await zig()}`);
console.log(`bun ${await bun()}`);
console.log(`oldest bun ${await bun(oldest.bun)}`);
console.log(`oldest deno ${await oldestDeno()}`);
console.log(`spin ${await spin()}`);
for (const name of [...nodeVersions, ...oldest.node]) {
  console.log(`node ${await node(name)}`);
}
