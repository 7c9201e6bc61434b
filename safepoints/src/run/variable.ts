/** Carries the RunOptions. The new process removes it, so that its children do not get it. */
export const VARIABLE = "INTERRUPT_SAFEPOINTS_RUN";
