/**
 * Replaces `jsr:@std/assert` where JSR cannot be reached: only the part that the tests use, with
 * the same signatures. The names and meanings are documented there.
 */

import { deepStrictEqual } from "node:assert";
import { inspect, isDeepStrictEqual } from "node:util";

// deno-lint-ignore no-explicit-any
type Class<T> = abstract new (...args: any[]) => T;

export class AssertionError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

function check(ok: boolean, what: string, msg?: string): asserts ok {
  if (!ok) throw new AssertionError(msg ? `${what}: ${msg}` : `${what}.`);
}

export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

export function assertFalse(
  expr: unknown,
  msg = "",
): asserts expr is false | 0 | 0n | "" | null | undefined {
  if (expr) throw new AssertionError(msg);
}

export function equal(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(a, b);
}

export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) return;
  let difference = "";
  try {
    deepStrictEqual(actual, expected);
  } catch (error) {
    difference = (error as Error).message;
  }
  check(false, "Values are not equal", `${msg ?? ""}\n${difference}`);
}

export function assertNotEquals<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  const what = `Expected ${inspect(actual)} not to be ${inspect(expected)}`;
  check(!equal(actual, expected), what, msg);
}

export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  const what = `Expected ${inspect(actual)} to be ${inspect(expected)}`;
  check(Object.is(actual, expected), what, msg);
}

export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  check(actual > expected, `Expected ${actual} > ${expected}`, msg);
}

export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  check(actual < expected, `Expected ${actual} < ${expected}`, msg);
}

export function assertLessOrEqual<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  check(actual <= expected, `Expected ${actual} <= ${expected}`, msg);
}

export function assertMatch(
  actual: string,
  expected: RegExp,
  msg?: string,
): void {
  check(
    expected.test(actual),
    `Expected "${actual}" to match ${expected}`,
    msg,
  );
}

export function assertStringIncludes(
  actual: string,
  expected: string,
  msg?: string,
): void {
  const what = `Expected "${actual}" to contain "${expected}"`;
  check(actual.includes(expected), what, msg);
}

export function assertInstanceOf<T extends Class<unknown>>(
  actual: unknown,
  expectedType: T,
  msg = "",
): asserts actual is InstanceType<T> {
  const what = `Expected an instance of "${expectedType.name}", not ${inspect(actual)}`;
  check(actual instanceof expectedType, what, msg);
}

function assertIsError<E extends Error = Error>(
  error: unknown,
  ErrorClass?: Class<E>,
  msgMatches?: string | RegExp,
  msg?: string,
): asserts error is E {
  check(
    error instanceof Error,
    `Expected an Error, not ${inspect(error)}`,
    msg,
  );
  if (ErrorClass) {
    const what = `Expected "${ErrorClass.name}", not "${error.name}"`;
    check(error instanceof ErrorClass, what, msg);
  }
  if (!msgMatches) return;
  const matches = typeof msgMatches === "string"
    ? error.message.includes(msgMatches)
    : msgMatches.test(error.message);
  const what = `Expected "${error.message}" to include ${inspect(msgMatches)}`;
  check(matches, what, msg);
}

/** Resolves the overloads that assertThrows and assertRejects share. */
function checkThrown(
  error: unknown,
  errorClassOrMsg?: Class<Error> | string,
  msgIncludes?: string,
  msg?: string,
) {
  if (typeof errorClassOrMsg === "function") {
    assertIsError(error, errorClassOrMsg, msgIncludes, msg);
  }
  return error;
}

export function assertThrows(fn: () => unknown, msg?: string): unknown;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: Class<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows(
  fn: () => unknown,
  ...expected: [(Class<Error> | string)?, string?, string?]
): unknown {
  try {
    fn();
  } catch (error) {
    return checkThrown(error, ...expected);
  }
  check(false, "Expected function to throw", message(expected));
}

export function assertRejects(
  fn: () => PromiseLike<unknown>,
  msg?: string,
): Promise<unknown>;
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: Class<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  ...expected: [(Class<Error> | string)?, string?, string?]
): Promise<unknown> {
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch {
    const what = "Function throws when expected to reject";
    throw new AssertionError(what);
  }
  try {
    await promise;
  } catch (error) {
    return checkThrown(error, ...expected);
  }
  check(false, "Expected function to reject", message(expected));
}

function message(expected: [unknown?, string?, string?]) {
  return typeof expected[0] === "string" ? expected[0] : expected[2];
}

export function fail(msg?: string): never {
  check(false, "Failed assertion", msg);
}
