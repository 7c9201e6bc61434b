/**
 * Puts safepoints into JavaScript: places where `@async/interrupt` may interrupt code that never
 * heard of it.
 *
 * @module
 */
export { instrument, type Instrumented, type InstrumentOptions } from "./src/instrument.ts";
export type { Engine } from "./src/poll.ts";
