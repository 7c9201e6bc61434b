import { testFiles } from "../../lib/tests.ts";

/**
 * All test files but those of safepoints/: npm installs the native code of its parser for the
 * processor and the libc of this machine.
 */
export function coreTests(): string[] {
  return testFiles().filter((file) => !file.startsWith("tests/safepoints"));
}
