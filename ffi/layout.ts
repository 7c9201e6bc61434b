// The int32 words that zig-src/record.zig and zig-src/agent.zig lay out, in their order.

/** Words of an agent. */
export const ATTENTION = 0;
export const LIST = 1;
export const AGENT_BYTES = 8;

/** Bits of the attention word. */
export const LOOK = 1;
export const WAKING = 2;

/** Words of a record. */
export const PENDING = 0;
export const BLOCKED = 3;
export const NEXT = 5;
export const LISTED = 6;

/** Records stand in chunks, each a single mapping. */
export const SLOT_BYTES = 64;
export const CHUNK_SLOTS = 1024;

/** Flags of a record. */
export const FLAG_WAKE = 1;
export const FLAG_PIPE = 2;

/** Options of a hooked signal. */
export const CHAIN = 1;
export const HYSTERESIS = 2;

/** What function_address answers to. */
export const SIGNAL_FUNCTION = 0;
export const BLOCK_FUNCTION = 1;
export const UNBLOCK_FUNCTION = 2;
export const PIPE_SIGNAL_FUNCTION = 3;
export const PIPE_DRAIN_FUNCTION = 4;

/** The pipe_wait timeout that never passes. */
export const FOREVER = 2n ** 64n - 1n;
