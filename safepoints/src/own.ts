/**
 * The modules of this package and of the core: a safepoint in what a due safepoint calls would call
 * it for ever.
 */
export const own = /\/(?:node_modules\/async-|@async\/)interrupt(?:-safepoints)?\//;
